// config: whether a PEM file holds certificates, each of them whole: Node silently leaves out one that is not.
import { X509Certificate } from 'node:crypto';

const BEGIN = '-----BEGIN CERTIFICATE-----';
const BLOCK = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs;

/** False also for a file that is being written, and ends inside a certificate. */
export function holdsCertificates(text: string): boolean {
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length === 0 || blocks.length !== text.split(BEGIN).length - 1) return false;
  try {
    for (const block of blocks) new X509Certificate(block);
    return true;
  } catch {
    // Whatever is wrong with one of them, connections would fail for want of it.
    return false;
  }
}

// Test support: a self-signed certificate for localhost, made anew for each call: no key lives in the repository.
import { generateKeyPairSync, sign } from 'node:crypto';

const DAY_MS = 86_400_000;

/** A value in DER (ITU-T X.690 §8.1): tag, length, contents. */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  const { length } = body;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

const sequence = (...contents: readonly Uint8Array[]): Buffer => der(0x30, ...contents);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
/** `UTCTime` (RFC 5280 §4.1.2.5.1): `YYMMDDHHMMSSZ`. */
const time = (ms: number): Buffer => {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, '');
  return der(0x17, Buffer.from(`${digits.slice(2, 14)}Z`));
};
const pem = (label: string, bytes: Buffer): Buffer => {
  const lines = bytes.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return Buffer.from(`-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`);
};

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));
const TRUE = der(0x01, Buffer.from([0xff]));
const COMMON_NAME = oid('550403');
const BASIC_CONSTRAINTS = oid('551d13');
const SUBJECT_ALT_NAME = oid('551d11');

/** Key and certificate (RFC 5280 §4.1), PEM. It is valid for a day, and is its own authority. */
export function selfSigned(): { key: Buffer; cert: Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from('localhost')))));
  const names = sequence(der(0x82, Buffer.from('localhost')));
  const facts = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(Date.now() - DAY_MS), time(Date.now() + DAY_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        sequence(BASIC_CONSTRAINTS, TRUE, der(0x04, sequence(TRUE))),
        sequence(SUBJECT_ALT_NAME, der(0x04, names)),
      ),
    ),
  );
  const signature = sign('sha256', facts, privateKey);
  const cert = sequence(facts, ECDSA_WITH_SHA256, der(0x03, Buffer.from([0]), signature));
  const key = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return { key, cert: pem('CERTIFICATE', cert) };
}

// sidecar: certificate files are read again when they change, so that a renewed authority needs no restart.
import { readFile, stat } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import type { PemFile } from '../config/kinds.ts';
import type { Report } from '../delivery/ports.ts';
import type { Upstream } from '../front/upstream.ts';

/** Gap between two looks at a file, ms. */
const LOOK_MS = 5_000;
const CERTIFICATE = '-----BEGIN CERTIFICATE-----';

export interface TlsFilesDeps {
  readonly file: PemFile | undefined;
  /** Given what the file holds now. */
  changed(pem: string): void;
  readonly report: Report;
  readonly log: { info(fields: object, message: string): void };
  /** A test looks by itself. */
  readonly everyMs?: number;
}

/** Keeps the authorities of an https upstream as its file has them. The result ends it. */
export function watchTrust({ config, upstream, report, log }: TrustDeps): () => void {
  const changed = (pem: string): void => {
    upstream.ca = pem;
  };
  return watchTlsFile({ file: config.upstreamTls.ca, changed, report, log });
}

interface TrustDeps extends Pick<TlsFilesDeps, 'report' | 'log'> {
  readonly config: Pick<Config, 'upstreamTls'>;
  readonly upstream: Upstream;
}

/** Watches one file: what matters is what it holds, however it was put there (a link of Kubernetes, a rename, a write). The result ends it. */
export function watchTlsFile({ file, changed, report, log, everyMs = LOOK_MS }: TlsFilesDeps): () => void {
  if (file === undefined) return () => {};
  const { path } = file;
  let { pem } = file;
  let seen = '';
  /** What was said of the file last; '' = it is fine. */
  let said = '';
  let busy = false;

  const fail = (text: string): void => {
    if (said === text) return;
    said = text;
    report({
      stage: 'upstream',
      error: new Error(`upstream_tls.ca: ${path} ${text}; the authorities read before hold on`),
    });
  };
  const look = async (): Promise<void> => {
    const { mtimeMs, ctimeMs, ino, size } = await stat(path);
    const now = `${mtimeMs} ${ctimeMs} ${ino} ${size}`;
    if (now === seen) return;
    const text = await readFile(path, 'utf8');
    // A file that is being written may be half of one.
    if (!text.includes(CERTIFICATE)) return fail('holds no certificate');
    seen = now;
    said = '';
    if (text === pem) return;
    pem = text;
    changed(pem);
    log.info({ stage: 'upstream', path }, 'the authorities for the upstream were read again');
  };
  const lookOnce = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      await look();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      fail(`cannot be read (${code ?? message})`);
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void lookOnce(), everyMs).unref();
  return () => clearInterval(timer);
}

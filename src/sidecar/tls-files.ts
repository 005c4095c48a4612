// sidecar: certificate files are read again when they change, so that a renewed authority needs no restart.
import { readFile, stat } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import type { PemFile } from '../config/kinds.ts';
import { holdsCertificates } from '../config/pem.ts';
import type { Report } from '../delivery/ports.ts';
import type { Upstream } from '../front/upstream.ts';

/** Gap between two looks at a file, ms. */
const LOOK_MS = 5_000;

export interface TlsFilesDeps {
  readonly file: PemFile | undefined;
  /** Key in the configuration, and the part that trusts the authorities: for the log. */
  readonly key: 'upstream_tls.ca' | 'store.ca';
  readonly stage: 'upstream' | 'store';
  /** Given what the file holds now. */
  changed(pem: string): void;
  readonly report: Report;
  readonly log: { info(fields: object, message: string): void };
  /** A test looks by itself. */
  readonly everyMs?: number;
}

/** The authorities of a place, for connections that begin now, as PEM. */
export type Trust = Pick<Upstream, 'ca'>;

interface TrustDeps extends Pick<TlsFilesDeps, 'report' | 'log'> {
  readonly config: Pick<Config, 'upstreamTls' | 'store'>;
  readonly upstream: Trust;
  readonly store: Trust;
}

/** Keeps the authorities of upstream and store as their files have them. The result ends it. */
export function watchTrust({ config, upstream, store, report, log }: TrustDeps): () => void {
  const into = (trust: Trust) => (pem: string) => {
    trust.ca = pem;
  };
  const files = [
    { file: config.upstreamTls.ca, key: 'upstream_tls.ca', stage: 'upstream', changed: into(upstream) },
    { file: config.store.ca, key: 'store.ca', stage: 'store', changed: into(store) },
  ] as const;
  const stops = files.map((each) => watchTlsFile({ ...each, report, log }));
  return () => {
    for (const stop of stops) stop();
  };
}

/**
 * Watches one file: what matters is what it holds, however it was put there (a link of Kubernetes,
 * a rename, a write). The result ends it.
 */
export function watchTlsFile(deps: TlsFilesDeps): () => void {
  const { file, key, stage, changed, report, log, everyMs = LOOK_MS } = deps;
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
    report({ stage, error: new Error(`${key}: ${path} ${text}; the authorities read before hold on`) });
  };
  const look = async (): Promise<void> => {
    const { mtimeMs, ctimeMs, ino, size } = await stat(path);
    const now = `${mtimeMs} ${ctimeMs} ${ino} ${size}`;
    if (now === seen) return;
    const text = await readFile(path, 'utf8');
    // A file that is being written may be half of one, and is looked at again.
    if (!holdsCertificates(text)) return fail('holds no certificate, or one that cannot be read');
    seen = now;
    said = '';
    if (text === pem) return;
    pem = text;
    changed(pem);
    log.info({ stage, path }, `${key} was read again: new connections trust its authorities`);
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

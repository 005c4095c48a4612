// cli: how long a connection lives through the public address: one that is silent, and one that is used.
import { type Finding, finding } from './finding.ts';
import { openProbe, type ProbeOptions } from './probe.ts';

/**
 * Gap between two pings on the connection that is used, ms; a tenth of the look where that is
 * shorter.
 */
const PING_MS = 10_000;

/** How long each lived, ms, and how it ended; undefined = it was there to the end of the look. */
export interface Lives {
  readonly lookMs: number;
  readonly silent: { readonly afterMs: number; readonly code: number } | undefined;
  readonly used: { readonly afterMs: number; readonly code: number } | undefined;
}

/** Opens both and watches them for `lookMs`. Undefined = they did not open. */
export async function watchLives(url: string, lookMs: number, options: ProbeOptions): Promise<Lives | undefined> {
  const [silent, used] = await Promise.all([openProbe(url, options), openProbe(url, options)]);
  if (!('hello' in silent) || !('hello' in used)) return undefined;
  const pinging = setInterval(() => used.ping('still-here'), Math.min(PING_MS, lookMs / 10));
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), lookMs);
  });
  const [silentEnd, usedEnd] = await Promise.all([
    Promise.race([silent.ended, over]),
    Promise.race([used.ended, over]),
  ]);
  clearInterval(pinging);
  clearTimeout(timer);
  silent.close();
  used.close();
  return { lookMs, silent: silentEnd, used: usedEnd };
}

/** Cuts as close to each other as this are one cut, as a share of the time. */
const ALIKE = 0.2;

/** What it means. Pure. */
export function judgeLives(lives: Lives | undefined): Finding {
  if (lives === undefined) return finding('cut', 'unknown', 'The connections that were to be watched did not open.');
  const { silent, used, lookMs } = lives;
  const looked = seconds(lookMs);
  if (silent === undefined && used === undefined)
    return finding(
      'cut',
      'good',
      `Nothing was cut within ${looked}.`,
      lookMs < 300_000 ? 'Look longer for a longer time-out: --look 310s.' : '',
    );
  if (used === undefined) {
    const after = silent!.afterMs;
    return finding(
      'cut',
      'bad',
      `A silent connection was cut after ${seconds(after)} (${how(silent!.code)}); one with pings was not.`,
      `Set limits.silence to at most ${seconds(after / 2)}: the sidecar then pings a client that is silent for so long. Or raise the idle time-out of the edge${known(after)}.`,
    );
  }
  const early = Math.min(used.afterMs, silent?.afterMs ?? used.afterMs);
  const alike =
    silent !== undefined && Math.abs(silent.afterMs - used.afterMs) <= ALIKE * Math.max(silent.afterMs, used.afterMs);
  return finding(
    'cut',
    'bad',
    alike
      ? `Every connection was cut after about ${seconds(early)} (${how(used.code)}), used or not.`
      : `A connection that was used was cut after ${seconds(used.afterMs)} (${how(used.code)}).`,
    `Raise the time-out of the edge${known(used.afterMs)}, and set limits.connection_age below it, so that clients come again in good order.`,
  );
}

function how(code: number): string {
  return code === 1006 ? 'without a Close frame' : `Close ${code}`;
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}

/** Whose time-out it may be. */
function known(ms: number): string {
  const near = (at: number): boolean => Math.abs(ms - at) < at * 0.1;
  if (near(30_000)) return ' (30 s is the backend service time-out of Google’s load balancers)';
  if (near(60_000)) return ' (60 s is the idle time-out of nginx, proxy_read_timeout, and of AWS’s ALB)';
  if (near(300_000)) return ' (300 s is the request time-out of Cloud Run, timeoutSeconds)';
  return '';
}

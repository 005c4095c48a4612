// cli: `ackspan check --through`: options read, findings printed, and the exit code that they mean.
import { readFileSync } from 'node:fs';
import { parseDuration } from '../../config/units.ts';
import { FAILED, OK, USAGE } from '../exit.ts';
import type { Options } from '../read-config.ts';
import { type Finding, findingLines } from './finding.ts';
import { checkThrough } from './through.ts';

/**
 * How long connections are watched unless said otherwise: past the shortest time-out that is usual,
 * 30 s.
 */
const LOOK_MS = 35_000;
const LOOK_MOST_MS = 3_600_000;

/**
 * Runs the check; the result is the exit code: 1 where something is bad, 2 where it was asked for
 * wrongly.
 */
export async function runThrough(
  options: Options,
  configured: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  out: { write(text: string): void; say(text: string): void },
): Promise<number> {
  const lookMs = options.look === undefined ? LOOK_MS : parseDuration(options.look);
  if (lookMs === undefined || lookMs > LOOK_MOST_MS)
    return usage(out.say, '--look: write a time up to 1h, such as 70s or 310s; 0s = do not watch');
  const token = readToken(options, configured, env);
  if (token === undefined)
    return usage(
      out.say,
      '--through needs the admin.token of the sidecar behind the address: ACKSPAN_ADMIN_TOKEN, or --token-file',
    );
  let findings: Finding[];
  try {
    findings = await checkThrough({ url: String(options.through), token, lookMs });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return usage(out.say, `--through: ${error.message}`);
  }
  const bad = findings.filter(({ grade }) => grade === 'bad').length;
  if (options.json === true) out.write(`${JSON.stringify({ ok: bad === 0, findings })}\n`);
  else
    out.write(
      `${[...findingLines(findings), bad === 0 ? 'No problems.' : `${bad} ${bad === 1 ? 'problem' : 'problems'}.`].join('\n')}\n`,
    );
  return bad === 0 ? OK : FAILED;
}

function readToken(
  { tokenFile }: Options,
  configured: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const file = typeof tokenFile === 'string' ? tokenFile : env.ACKSPAN_ADMIN_TOKEN_FILE;
  if (file !== undefined) {
    try {
      return readFileSync(file, 'utf8').split('\n', 1)[0]?.trim() || undefined;
    } catch {
      // What is said then names the ways to give a token.
      return undefined;
    }
  }
  return env.ACKSPAN_ADMIN_TOKEN || configured;
}

function usage(say: (text: string) => void, text: string): number {
  say(`ackspan: ${text}\n`);
  return USAGE;
}

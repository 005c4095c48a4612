// Test support: the commands of docs/deploy.md, run by a shell whose kubectl, gcloud and helm only write down how they were called.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../dashboards/collect.ts';
import { codeOf } from '../docs/pages.ts';
import { scratchFolder } from './prometheus.ts';

/** A program with its arguments. */
export type Call = readonly string[];

const GUIDE = 'docs/deploy.md';
const PROGRAMS = ['kubectl', 'gcloud', 'helm', 'ackspan'];
/** Writes its arguments down, takes in what is piped to it, and answers a word. */
const STAND_IN = `#!/bin/sh
{ printf '%s\\037' "\${0##*/}" "$@"; printf '\\036'; } >>"$CALLS"
cat >/dev/null
echo told
`;

/** Runs every block of a section, and returns the calls that it made, in order. */
export function callsOf(section: string): Call[] {
  const text = readFileSync(join(ROOT, GUIDE), 'utf8');
  const found = text.split(/^## /m).find((each) => each.startsWith(`${section}\n`));
  if (found === undefined) throw new Error(`${GUIDE} has no section "${section}"`);
  const blocks = codeOf({ path: GUIDE, text: found }).filter(({ fence }) => fence === 'sh');
  const folder = scratchFolder('guide');
  const calls = join(folder, 'calls');
  writeFileSync(calls, '');
  mkdirSync(join(folder, 'bin'));
  for (const name of PROGRAMS) writeFileSync(join(folder, 'bin', name), STAND_IN, { mode: 0o755 });
  for (const block of blocks) {
    execFileSync('bash', ['-euo', 'pipefail', '-c', block.text.replaceAll('/tmp/', `${folder}/`)], {
      cwd: ROOT,
      env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, CALLS: calls },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
  const records = readFileSync(calls, 'utf8').split('\x1e').slice(0, -1);
  return records.map((record) => record.split('\x1f').slice(0, -1)).filter(([program]) => program !== 'ackspan');
}

/** What is known of a value: a fault, or undefined. */
export type Check = (value: string) => string | undefined;

/**
 * Compares a call with synopses such as `kubectl logs WORKLOAD [-c CONTAINER] [-f]`: words, places
 * for values, flags. Returns its faults and the synopsis that it follows.
 */
export function judge(
  call: Call,
  synopses: readonly string[],
  checks: Readonly<Record<string, Check>>,
): { faults: string[]; synopsis?: string } {
  const synopsis = synopses.find((each) => wordsOf(each).every((word, i) => word === call[i]));
  if (synopsis === undefined) return { faults: [`${call.join(' ')}: no such command`] };
  const flags = new Map(
    [...synopsis.matchAll(/\[(-[\w-]+)(?: ([A-Z_]+))?\]/g)].map(([, flag, place]) => [flag, place]),
  );
  const places = synopsis.replaceAll(/\[.*?\]/g, '').match(/\b[A-Z_]{2,}\b/g) ?? [];
  const faults: string[] = [];
  const check = (place: string, value: string) => {
    const fault = checks[place]?.(value);
    if (fault !== undefined) faults.push(`${call.join(' ')}: ${fault}`);
  };
  const args = call.slice(wordsOf(synopsis).length);
  const values: string[] = [];
  for (let i = 0; i < args.length && args[i] !== '--'; i++) {
    const [, flag, given] = /^(--?[a-z][\w-]*)(?:=(.*))?$/s.exec(args[i]!) ?? [];
    if (flag === undefined) values.push(args[i]!);
    else if (!flags.has(flag)) faults.push(`${call.join(' ')}: no flag ${flag}`);
    else if (flags.get(flag) === undefined) {
      if (given !== undefined) faults.push(`${call.join(' ')}: ${flag} takes no value`);
    } else check(flags.get(flag)!, given ?? args[++i] ?? '');
  }
  if (values.length !== places.length) faults.push(`${call.join(' ')}: not ${places.join(' ')}`);
  else for (const [i, place] of places.entries()) check(place, values[i]!);
  return { faults, synopsis };
}

/** The words with which every call of it begins. */
function wordsOf(synopsis: string): string[] {
  const words = synopsis.split(' ');
  const end = words.findIndex((word) => /^\[|^[A-Z_]+$/.test(word));
  return end === -1 ? words : words.slice(0, end);
}

// config: docs/configuration.md and the key list of `--help`, written from the table of keys.
import type { Config } from './config.ts';
import type { Row } from './row.ts';
import { envName } from './row.ts';
import type { Field } from './rules.ts';
import { CONFIRMATION_FIELDS, RULE_FIELDS } from './rules.ts';
import { TABLE } from './schema.ts';
import { formatDuration } from './units.ts';
import type { ConfirmationMatch, Defaults, EventRule } from './values.ts';

const ROWS = TABLE as readonly Row[];

const INTRODUCTION = `# Configuration

<!-- Written by \`npm run docs\` from src/config/schema.ts. Change it there. -->

Ackspan needs one thing: \`upstream\`. Everything else has a default.

Each key can be given in the YAML file (\`--config ackspan.yaml\`, or \`ACKSPAN_CONFIG\`) and as an
environment variable. The common keys also have a flag. **Flag > variable > file > default.** An
empty value counts as not given. \`ackspan check\` reports every fault at once, with its line and with
what is allowed. A key that does not exist is a fault. A variable \`ACKSPAN_…\` that sets nothing is a
warning.

- Durations need a unit: \`500ms\`, \`30s\`, \`1.5m\`, \`1h\`.
- Sizes: \`64KiB\`, \`16MB\`, or a plain number of bytes. Ratios: \`0.01\` or \`1%\`.
- Lists in a variable are separated by commas. There, \`events.rules\` and \`confirmations\` are written
  as YAML or JSON.
- In the file, \`\${NAME}\` is replaced by that variable, and \`\${NAME:-default}\` has a default. \`$\${\`
  stands for \`\${\` itself. A variable that is not set and has no default is a fault.
- Every secret can come from a file: \`ACKSPAN_…_FILE\` names the file that holds the value of
  \`ACKSPAN_…\`.
- YAML anchors and merge keys (\`<<\`) work. Keys of the first level that begin with \`x-\` are for your
  anchors and mean nothing else.
- \`SIGHUP\`, or \`POST /reload\` on the admin server, reads the file again. \`events.rules\`, the
  objectives, \`tracing.keep_confirmed\`, \`tracing.slow\`, \`log_level\` and the limits \`connections\`,
  \`connections_per_user\`, \`pending\`, \`pending_per_user\`, \`retained_bytes\`,
  \`retained_bytes_per_user\`, \`in_flight_bytes\` and \`message_bytes\` change without dropping a socket.
  Any other change is refused by name, and then nothing changes.
  A signal that comes while the sidecar starts is followed as soon as it has started.
- The standard \`OTEL_*\` variables decide where telemetry goes, e.g. \`OTEL_EXPORTER_OTLP_ENDPOINT\`.
- \`ACKSPAN_STREAMS=1\` sends all bytes through Node's own streams instead of straight to its sockets.
  That costs about a fifth more, and helps to find out where a fault lies.
`;

/** The whole of docs/configuration.md. */
export function configurationPage(defaults: Defaults): string {
  const parts = [INTRODUCTION, '## Keys\n', keyTable(defaults)];
  parts.push('\n## A rule of `events.rules`\n', fieldTable(RULE_FIELDS));
  parts.push('\n## A matcher of `confirmations`\n', fieldTable(CONFIRMATION_FIELDS));
  parts.push('\n## The defaults as a file\n', '```yaml', exampleFile(defaults), '```', '');
  return parts.join('\n');
}

/** One line per key for a terminal: path, variable, default. */
export function keyList(): string {
  const width = Math.max(...ROWS.map((row) => row.key.length));
  const envWidth = Math.max(...ROWS.map((row) => envName(row.key).length));
  return ROWS.map((row) => {
    const preset = row.written === undefined ? '' : `  ${row.written}`;
    return `  ${row.key.padEnd(width)}  ${envName(row.key).padEnd(envWidth)}${preset}`.trimEnd();
  }).join('\n');
}

function keyTable(defaults: Defaults): string {
  const lines = ['| key | variable, flag | default | what it is |', '|---|---|---|---|'];
  for (const row of ROWS) {
    const names = [envName(row.key), row.alsoEnv, row.flag === undefined ? undefined : `--${row.flag}`];
    const ways = names.filter((name) => name !== undefined).map((name) => `\`${name}\``);
    const what = `${row.doc} ${sentence(row.kind.allowed)}${row.secret ? ' Never printed.' : ''}`;
    lines.push(tableLine([`\`${row.key}\``, ways.join(' '), defaultText(row, defaults), what]));
  }
  return lines.join('\n');
}

function fieldTable(fields: Readonly<Record<string, Field<unknown>>>): string {
  const lines = ['| field | default | what it is |', '|---|---|---|'];
  for (const [name, { kind, preset, doc }] of Object.entries(fields)) {
    const text = preset === undefined ? 'required' : `\`${preset}\``;
    lines.push(tableLine([`\`${name}\``, text, `${doc} ${sentence(kind.allowed)}`]));
  }
  return lines.join('\n');
}

function defaultText(row: Row, defaults: Defaults): string {
  if (row.written !== undefined) return `\`${row.written}\``;
  if (row.preset === undefined) return row.optional ? 'none' : 'required';
  const value = row.preset(defaults);
  if (Array.isArray(value) && value.length === 0) return 'none';
  const plain = Array.isArray(value) && value.every((item) => typeof item === 'string');
  return plain ? value.map((item) => `\`${item}\``).join(' ') : 'see the end of this page';
}

function sentence(allowed: string): string {
  return `Allowed: ${allowed}.`;
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** All defaults as a file. `loadConfig` reads the file back to the defaults. */
export function exampleFile(defaults: Defaults): string {
  const lines = ['upstream: http://127.0.0.1:8000'];
  let group = '';
  for (const row of ROWS) {
    const value = exampleValue(row, defaults);
    if (value === undefined) continue;
    const [head, leaf] = row.key.split('.') as [string, string | undefined];
    if (leaf !== undefined && head !== group) lines.push(`${head}:`);
    group = leaf === undefined ? '' : head;
    const indent = leaf === undefined ? '' : '  ';
    lines.push(`${indent}${leaf ?? head}:${value.replaceAll('\n', `\n${indent}`)}`);
  }
  return lines.join('\n');
}

function exampleValue(row: Row, defaults: Defaults): string | undefined {
  if (row.key === 'events.rules') return items(defaults.events.rules.map(ruleText));
  if (row.key === 'confirmations') return items(defaults.confirmations.map(matcherText));
  if (row.written !== undefined) return ` ${row.written}`;
  const value = row.preset?.(defaults) as readonly string[] | undefined;
  return value === undefined ? undefined : ` [${value.join(', ')}]`;
}

function items(lines: readonly string[]): string {
  return lines.length === 0 ? ' []' : lines.map((line) => `\n  - ${line}`).join('');
}

function ruleText({ match, track, priority, confirm, timeoutMs, attemptsMs }: EventRule): string {
  const globs = `match: [${match.map((glob) => JSON.stringify(glob)).join(', ')}]`;
  if (!track) return `{ ${globs}, track: false, priority: ${priority} }`;
  const attempts = attemptsMs.map(formatDuration).join(', ');
  return `{ ${globs}, priority: ${priority}, confirm: ${confirm}, timeout: ${formatDuration(timeoutMs)}, attempts: [${attempts}] }`;
}

function matcherText({ type, id, status, error }: ConfirmationMatch): string {
  return `{ type: ${type}, id: ${id}, status: ${status}, error: ${error} }`;
}

/**
 * The tracked types and their priority, for the log's first lines: `tool_executing, tool_completed:
 * critical`.
 */
export function trackedText(config: Config): string[] {
  return config.events.rules.filter((rule) => rule.track).map((rule) => `${rule.match.join(', ')}: ${rule.priority}`);
}

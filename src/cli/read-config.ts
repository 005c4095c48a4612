// cli: from flags, variables and file to a configuration: the part of every command that needs one.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { keyList } from '../config/document.ts';
import type { ConfigFault } from '../config/fault.ts';
import type { FileText } from '../config/file.ts';
import type { Loaded } from '../config/load.ts';
import { loadConfig } from '../config/load.ts';
import type { Row } from '../config/row.ts';
import { envName } from '../config/row.ts';
import { TABLE } from '../config/schema.ts';
import { DEFAULTS } from './defaults.ts';
import { withSecretFiles } from './secret-files.ts';

/** What commander found, by flag name in camel case. */
export type Options = Readonly<Record<string, string | boolean | undefined>>;

const FLAGGED = (TABLE as readonly Row[]).filter((row) => row.flag !== undefined);

/** Adds `--config` and a flag for each key that has one, and the list of all keys to the help. */
export function addConfigOptions(command: Command): void {
  command.option('-c, --config <file>', 'YAML file (ACKSPAN_CONFIG)');
  for (const { flag, key, doc, written } of FLAGGED) {
    const preset = written === undefined ? '' : `, default ${written}`;
    command.option(`--${flag} <value>`, `${doc} (${envName(key)}${preset})`);
  }
  command.addHelpText(
    'after',
    `\nKeys of the file, each with its variable and its default (docs/configuration.md explains them):\n${keyList()}`,
  );
}

/**
 * Reads everything that the operator gave. A file that cannot be read is a fault like any other.
 */
export function readConfig(options: Options, given: NodeJS.ProcessEnv): Loaded {
  const secrets = withSecretFiles(given);
  const { env } = secrets;
  const flags: Record<string, string | undefined> = {};
  for (const { flag } of FLAGGED) {
    const value = options[flag!.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
    if (typeof value === 'string') flags[flag!] = value;
  }
  const name = (typeof options.config === 'string' ? options.config : env.ACKSPAN_CONFIG) || undefined;
  const file = name === undefined ? undefined : readFile(name);
  const unreadable = file !== undefined && 'message' in file;
  const loaded = loadConfig({ flags, env, defaults: DEFAULTS, file: unreadable ? undefined : file });
  if (secrets.faults.length > 0) return { ...loaded, config: undefined, faults: [...secrets.faults, ...loaded.faults] };
  if (!unreadable) return loaded;
  // A key that the unread file may have is not missing.
  const others = loaded.faults.filter((fault) => fault.at !== '');
  return { config: undefined, faults: [file, ...others], warnings: loaded.warnings };
}

function readFile(name: string): FileText | ConfigFault {
  try {
    return { name, text: readFileSync(name, 'utf8') };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    return { key: '', at: name, line: undefined, column: undefined, message: reason };
  }
}

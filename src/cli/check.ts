// cli: `ackspan check`: every fault of a configuration, and every trap of its platform, before it is deployed.
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { formatFault } from '../config/fault.ts';
import { otlpEndpoint, platformTraps } from '../config/traps.ts';
import { redactText } from '../log/redact.ts';
import { otelFaults } from '../telemetry/otel-faults.ts';
import type { Dialled } from './dial.ts';
import { dial, probeUpgrade } from './dial.ts';
import { FAILED, OK, USAGE } from './exit.ts';
import { identityLine } from './identity-line.ts';
import { machineWarnings } from './machine.ts';
import type { Options } from './read-config.ts';
import { addConfigOptions, readConfig } from './read-config.ts';
import { findingLines } from './through/finding.ts';
import { checkStore } from './through/store.ts';

/**
 * Adds options and action. Exit codes: 2 the configuration has faults, 1 the upstream does not
 * answer or the store cannot be used, 0 otherwise.
 */
export function define(command: Command): void {
  addConfigOptions(command);
  command
    .option('--offline', 'do not dial the upstream or the collector')
    .option('--path <path>', 'also request a WebSocket upgrade on this path of the upstream')
    .option(
      '--through <url>',
      'look at a running sidecar from where clients are: wss://public.example (docs/deploy.md)',
    )
    .option('--look <time>', 'with --through: how long connections are watched for a cut (default 35s)')
    .option(
      '--token-file <file>',
      'with --through: file whose first line is the admin.token (else ACKSPAN_ADMIN_TOKEN)',
    )
    .option('--json', 'print one JSON object on stdout')
    .action(async (options: Options) => {
      const { config, faults, warnings } = readConfig(options, process.env);
      if (options.through !== undefined) {
        const { runThrough } = await import('./through/command.ts');
        const token = config?.admin.token;
        process.exitCode = await runThrough(options, token, process.env, {
          write: (text) => void process.stdout.write(text),
          say: (text) => void process.stderr.write(text),
        });
        return;
      }
      const store = config === undefined || options.offline === true ? [] : await checkStore(config.store);
      const dialled = config === undefined || options.offline === true ? [] : await dialAll(config, options);
      const traps = config === undefined ? [] : platformTraps(config, process.env);
      // Only the upstream itself is needed; a closed path or a missing collector is worth a
      // warning.
      const broken = store.some(({ grade }) => grade === 'bad') || dialled[0]?.ok === false;
      const code = config === undefined ? USAGE : broken ? FAILED : OK;
      const missed = dialled.slice(1).filter(({ ok }) => !ok);
      const variables = otelFaults(process.env).map(({ variable, message }) => `${variable}: ${message}`);
      const identity = config === undefined ? [] : [identityLine(config.identity)];
      const machine = config === undefined || options.offline === true ? [] : await machineWarnings(config);
      const notes = [...warnings.map(formatFault), ...variables, ...missed.map(line), ...machine, ...traps];
      if (options.json === true) {
        process.stdout.write(
          `${JSON.stringify({ ok: code === OK, faults, warnings: notes, identity: identity[0], dialled, store })}\n`,
        );
      } else {
        const reached = dialled.filter((each, index) => each.ok || index === 0).map(line);
        const verdict = config === undefined ? `configuration: ${count(faults.length)}` : 'configuration: no faults';
        const lines = [
          ...faults.map(formatFault),
          verdict,
          ...identity,
          ...reached,
          ...findingLines(store),
          ...notes.map((note) => `warning: ${note}`),
        ];
        process.stdout.write(`${lines.join('\n')}\n`);
      }
      process.exitCode = code;
    });
}

/** Dials all targets, the upstream first. */
async function dialAll(config: Config, options: Options): Promise<Dialled[]> {
  const { insecure, ca } = config.upstreamTls;
  const tls = { insecure, ca: ca?.pem };
  const dials = [dial(config.upstream, tls)];
  if (typeof options.path === 'string') dials.push(probeUpgrade(config.upstream, options.path, tls));
  const collector = otlpEndpoint(process.env);
  if (collector !== undefined && URL.canParse(collector)) {
    const shown = redactText(collector);
    dials.push(dial(collector, { insecure: false, ca: undefined }).then((each) => ({ ...each, target: shown })));
  }
  return Promise.all(dials);
}

function line({ target, ok, ms, detail }: Dialled): string {
  return ok ? `${target}: ${detail} (${ms} ms)` : `${target}: ${detail}`;
}

function count(faults: number): string {
  return faults === 1 ? '1 fault' : `${faults} faults`;
}

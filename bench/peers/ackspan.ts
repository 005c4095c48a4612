// Ackspan itself, as an operator runs it: once confirmed by barriers alone, once by the application's own confirmations.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { otlpEnvironment, type Peer, type PeerCommand, type PeerSetup, upstreamUrl } from './peer.ts';

/**
 * The built command, from `.cache/bench/peers/` upwards; the variable names another build to
 * compare with.
 */
export const ACKSPAN =
  process.env.BENCH_ACKSPAN_MAIN ?? fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

function command(setup: PeerSetup): PeerCommand {
  const config = path.join(setup.dir, 'ackspan.yaml');
  const rule = `{ match: "*", timeout: ${setup.holdSeconds}s, attempts: [], resend: ${setup.retain} }`;
  fs.writeFileSync(
    config,
    `listen: 127.0.0.1:${setup.listen}
upstream: ${upstreamUrl(setup)}
admin: { listen: 127.0.0.1:${setup.admin} }
tracing: { keep_confirmed: ${setup.keepConfirmed} }
limits: { pending: 4000000, pending_per_user: 4000000, connections: 200000, retained_bytes: 4GiB, retained_bytes_per_user: 4GiB }
sessions: { retained_bytes: 1GiB }
${setup.store === undefined ? '' : `store: ${setup.store}`}
${setup.holdSeconds > 0 ? `events: { rules: [ ${rule} ] }` : ''}
`,
  );
  return {
    command: process.execPath,
    args: [...setup.nodeFlags, setup.main ?? ACKSPAN, 'run', '--config', config],
    env: otlpEnvironment(setup),
  };
}

const common = { needs: { program: ACKSPAN, debian: '' }, forwards: false, tracks: true, command } as const;

export const ackspan: Peer = {
  ...common,
  name: 'ackspan',
  about: 'every event tracked, confirmed by barriers: clients do nothing',
  confirm: 'barrier',
};

export const ackspanApp: Peer = {
  ...common,
  name: 'ackspan-app',
  about: 'every event tracked, confirmed by the application message, which is consumed',
  confirm: 'app',
};

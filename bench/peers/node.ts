// The peers that run on Node: http-proxy-3 as it comes, and a plain ws-to-ws proxy with and without OpenTelemetry calls.
import { fileURLToPath } from 'node:url';
import { otlpEnvironment, type Peer, type PeerCommand, type PeerSetup, upstreamUrl } from './peer.ts';

function program(file: string, setup: PeerSetup, ...flags: string[]): PeerCommand {
  const script = fileURLToPath(new URL(`../programs/${file}.js`, import.meta.url));
  return {
    command: process.execPath,
    args: [...setup.nodeFlags, script, String(setup.listen), upstreamUrl(setup), ...flags],
    env: otlpEnvironment(setup),
  };
}

const common = { needs: undefined, confirm: 'app', forwards: true, tracks: false } as const;

export const httpProxy3: Peer = {
  ...common,
  name: 'http-proxy-3',
  about: 'byte pipe in Node; sees nothing after the upgrade',
  command: (setup) => program('http-proxy-3', setup),
};

export const wsToWs: Peer = {
  ...common,
  name: 'ws-ws',
  about: 'two ws endpoints back to back; reads every message, tracks nothing',
  command: (setup) => program('ws-proxy', setup, ...(setup.deflate ? ['--deflate'] : [])),
};

export const wsToWsOtel: Peer = {
  ...common,
  name: 'ws-ws+otel',
  about: 'the same with JSON.parse and an OpenTelemetry counter, histogram and span per event',
  command: (setup) => program('ws-proxy', setup, '--otel', ...(setup.deflate ? ['--deflate'] : [])),
};

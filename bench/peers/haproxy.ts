// HAProxy as a WebSocket byte pipe: one thread, defaults otherwise, no log.
import fs from 'node:fs';
import path from 'node:path';
import { type Peer, upstreamUrl } from './peer.ts';

export const haproxy: Peer = {
  name: 'haproxy',
  about: 'byte pipe in C, one thread; sees nothing after the upgrade',
  needs: { program: 'haproxy', debian: 'haproxy' },
  confirm: 'app',
  forwards: true,
  tracks: false,
  command: (setup) => {
    const { dir, listen } = setup;
    const file = path.join(dir, 'haproxy.cfg');
    fs.writeFileSync(
      file,
      `global
  nbthread 1
  maxconn 9900
defaults
  mode http
  maxconn 9900
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
frontend public
  bind 127.0.0.1:${listen} backlog 4096
  default_backend app
backend app
  server app ${upstreamUrl(setup).replace(/^http:\/\//, '')}
`,
    );
    return { command: 'haproxy', args: ['-q', '-db', '-f', file], env: {} };
  },
};

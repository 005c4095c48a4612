// nginx as a WebSocket byte pipe: one worker, defaults otherwise, no access log.
import fs from 'node:fs';
import path from 'node:path';
import { type Peer, upstreamUrl } from './peer.ts';

export const nginx: Peer = {
  name: 'nginx',
  about: 'byte pipe in C, one worker; sees nothing after the upgrade',
  needs: { program: 'nginx', debian: 'nginx-light' },
  confirm: 'app',
  forwards: true,
  tracks: false,
  command: (setup) => {
    const { dir, listen } = setup;
    const file = path.join(dir, 'nginx.conf');
    fs.writeFileSync(
      file,
      `daemon off; worker_processes 1; pid ${dir}/nginx.pid; error_log ${dir}/error.log crit;
events { worker_connections 65535; }
http {
  access_log off;
  client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi;
  server {
    listen 127.0.0.1:${listen} backlog=4096;
    location / {
      proxy_pass ${upstreamUrl(setup).replace(/^unix:/, 'http://unix:')};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_set_header Host $host;
      proxy_read_timeout 3600s; proxy_send_timeout 3600s;
    }
  }
}
`,
    );
    return { command: 'nginx', args: ['-e', `${dir}/error.log`, '-p', dir, '-c', file], env: {} };
  },
};

// Test support: Jupyter: its server with a Python kernel, and its own client of remote kernels. Every message is JSON.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atEnd } from '../backends.ts';
import { eventually, startChild } from '../child.ts';
import { findProducts } from '../component.ts';
import { type ForeignApp, NOTES } from './app.ts';

const CLIENT = fileURLToPath(new URL('../python/jupyter_notes.py', import.meta.url));
const OPTIONS = {
  ...{ ip: '127.0.0.1', port: '0', open_browser: 'False', allow_root: 'True' },
  // The client sends a token with requests and not with the WebSocket, so the server asks for none.
  ...{ disable_check_xsrf: 'True', token: '' },
};

export const jupyter: ForeignApp = {
  needs: ['products'],
  async serve() {
    const folder = mkdtempSync(join(tmpdir(), 'ackspan-jupyter-'));
    atEnd(() => rmSync(folder, { recursive: true, force: true }));
    const options = Object.entries(OPTIONS).map(([name, value]) => {
      return `--${name === 'token' ? 'IdentityProvider' : 'ServerApp'}.${name}=${value}`;
    });
    startChild(findProducts()!, ['-m', 'jupyter_server', ...options], {
      ...{ HOME: folder, JUPYTER_RUNTIME_DIR: folder, JUPYTER_PREFER_ENV_PATH: '1' },
    });
    // The server chooses its port and writes it down.
    return eventually(() => {
      const file = readdirSync(folder).find((name) => /^jpserver-\d+\.json$/.test(name));
      const { port } = JSON.parse(readFileSync(join(folder, file!), 'utf8')) as { port: number };
      return `http://127.0.0.1:${port}`;
    });
  },
  async converse(address) {
    const client = startChild(findProducts()!, [CLIENT, address, String(NOTES)]);
    const { shown, reply } = await client.line((line) => 'shown' in line);
    if (reply !== 'ok') throw new Error(`the kernel answered ${String(reply)}`);
    await client.exited;
    return shown as string[];
  },
};

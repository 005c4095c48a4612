// Test support: Streamlit: its server, and its own page in a headless Chromium. Every message is binary (protobuf).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { atEnd } from '../backends.ts';
import { eventually, startChild } from '../child.ts';
import { findProducts } from '../component.ts';
import { freePort } from '../free-port.ts';
import { startChromium } from '../live-page.ts';
import { type ForeignApp, NOTES } from './app.ts';

const APP = fileURLToPath(new URL('../python/streamlit_notes.py', import.meta.url));

export const streamlit: ForeignApp = {
  needs: ['products', 'chromium'],
  async serve() {
    const folder = mkdtempSync(join(tmpdir(), 'ackspan-streamlit-'));
    atEnd(() => rmSync(folder, { recursive: true, force: true }));
    const port = await freePort();
    const address = `http://127.0.0.1:${port}`;
    const options = { 'server.port': String(port), 'server.address': '127.0.0.1', 'server.headless': 'true' };
    startChild(
      findProducts()!,
      [
        ...['-m', 'streamlit', 'run', APP, '--browser.gatherUsageStats=false', '--server.fileWatcherType=none'],
        ...Object.entries(options).map(([name, value]) => `--${name}=${value}`),
      ],
      { HOME: folder, NOTES: String(NOTES), PYTHONDONTWRITEBYTECODE: '1' },
    );
    await eventually(async () => expect((await fetch(`${address}/_stcore/health`)).status).toBe(200));
    return address;
  },
  async converse(address) {
    const browser = await startChromium();
    try {
      const page = await browser.newPage();
      await page.goto(address);
      await page.getByRole('button', { name: 'Begin' }).click();
      const notes = page.getByTestId('stText');
      await eventually(async () => expect(await notes.count()).toBe(NOTES));
      const shown = await notes.allTextContents();
      // A page that is left closes its WebSocket, which a browser that is killed does not.
      await page.goto('about:blank');
      return shown;
    } finally {
      await browser.close();
    }
  },
};

// docs: `npm run pictures:terminal`: runs the demo and the commands that look into it, and puts what a terminal showed into README and docs.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { runAtTerminal, textOf } from './pseudo-terminal.mjs';
import { svgOf } from './svg.mjs';

const CLI = 'dist/cli/main.js';
const SIZE = { columns: 108, rows: 48 };
/** The demo's: its clients fall ill half-way, and what they miss times out 3 s later. */
const DEMO = { seconds: 30, look: 21 };

/** What is looked at while the demo runs: the name of the picture, and the command. `ID` is the delivery that `pick` gives. */
const LOOKS = [
  { name: 'stats', words: ['stats'] },
  { name: 'top', words: ['top', '--by', 'type', '--once'] },
  { name: 'deliveries', words: ['deliveries', '--status', 'failed,timeout', '-n', '8'] },
  { name: 'delivery', words: ['delivery', 'ID'], pick: ['deliveries', '--reason', 'timeout', '-n', '1', '--json'] },
  { name: 'tail', words: ['tail', '--status', 'failed,timeout,unverifiable'], lines: 9 },
];

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until `lines` holds what is looked for, at most a minute. */
async function until(lines, holds) {
  for (let tries = 0; tries < 600; tries++) {
    const shown = await lines();
    if (holds(shown)) return shown;
    await sleep(100);
  }
  throw new Error('the terminal did not show it within a minute');
}

async function look(admin, { words, pick, lines }) {
  const run = (command) =>
    runAtTerminal([process.execPath, CLI, ...command], { ...SIZE, env: { ACKSPAN_ADMIN: admin } });
  let command = words;
  if (pick !== undefined) {
    const picked = run(pick);
    await picked.exited;
    // A line of JSON that is longer than the terminal is wide.
    const text = (await picked.shown()).map(textOf).join('');
    command = words.map((word) => (word === 'ID' ? JSON.parse(text).id : word));
  }
  const terminal = run(command);
  if (lines !== undefined) {
    await until(terminal.shown, (shown) => shown.length >= lines);
    terminal.stop();
  }
  await terminal.exited;
  // Ctrl-C leaves its mark.
  const shown = (await terminal.shown()).slice(0, lines).filter((runs) => !textOf(runs).includes('ackspan: following'));
  return { command: `ackspan ${command.join(' ')}`, shown };
}

/** Puts the text between the marks of that name, in every page that has them. */
function fill(name, text) {
  for (const page of ['README.md', 'docs/cli.md']) {
    const old = readFileSync(page, 'utf8');
    const [open, close] = [`<!-- terminal: ${name} -->\n`, '<!-- /terminal -->'];
    const from = old.indexOf(open);
    if (from < 0) continue;
    const to = old.indexOf(close, from);
    writeFileSync(page, old.slice(0, from + open.length) + text + old.slice(to));
  }
}

function keep(name, command, shown) {
  const prompt = [
    { text: '$ ', tone: 'faint' },
    { text: command, tone: 'strong' },
  ];
  writeFileSync(
    `docs/pictures/${name}.svg`,
    svgOf([prompt, ...shown], SIZE.columns, `${command}, as a terminal shows it`),
  );
  fill(name, `\`\`\`\n$ ${command}\n${shown.map(textOf).join('\n')}\n\`\`\`\n`);
  console.log(`${name}: ${shown.length} lines`);
}

const admin = `127.0.0.1:${await freePort()}`;
// The log of the demo tells of this machine and its paths, which a picture must not show.
const options = { ...SIZE, log: '/dev/null' };
const demo = runAtTerminal(
  [process.execPath, CLI, 'demo', '--duration', `${DEMO.seconds}s`, '--admin', admin],
  options,
);
try {
  await until(demo.shown, (shown) => shown.some((runs) => textOf(runs).startsWith(`${DEMO.look} s of`)));
  for (const each of LOOKS) {
    const { command, shown } = await look(admin, each);
    keep(each.name, command, shown);
  }
  const code = await demo.exited;
  const lines = await demo.shown();
  if (code !== 0) throw new Error(`the demo ended with ${code}:\n${lines.map(textOf).join('\n')}`);
  const from = lines.findLastIndex((runs) => textOf(runs).trimStart().startsWith('tracked'));
  keep('demo', `ackspan demo --duration ${DEMO.seconds}s`, lines.slice(from));
} finally {
  demo.kill();
}

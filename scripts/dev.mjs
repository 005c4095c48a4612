// dev: `npm run dev -- OPTIONS OF RUN`: builds, runs the sidecar, and starts it anew whenever the build or its configuration changes.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const args = process.argv.slice(2);
/** One save is several events of the file system, ms. */
const SETTLE_MS = 100;

const say = (text) => console.log(`dev: ${text}`);
const node = (...rest) => [process.execPath, rest];

let stopping = false;
let sidecar;
let restarting = false;

/** Starts the sidecar. A change that comes while one is ending is part of the start that follows. */
function start() {
  // Nobody waits for a developer's confirmations; a variable of the developer's own comes first.
  const env = { ACKSPAN_SHUTDOWN_GRACE: '0ms', ...process.env };
  const child = spawn(...node('dist/cli/main.js', 'run', ...args), { cwd: root, stdio: 'inherit', env });
  sidecar = child;
  child.once('exit', (code, signal) => {
    sidecar = undefined;
    if (stopping) return;
    if (restarting) {
      restarting = false;
      start();
    } else say(`the sidecar ended (${signal ?? code}); the next change starts it again`);
  });
}

function restart(why) {
  if (stopping) return;
  say(`${why}: the sidecar starts anew`);
  if (sidecar === undefined) start();
  else {
    restarting = true;
    sidecar.kill('SIGTERM');
  }
}

/** Calls back once for what changed together in a folder. */
function onChange(folder, concerns, act) {
  let timer;
  return watch(folder, (_, name) => {
    if (!concerns(name)) return;
    clearTimeout(timer);
    timer = setTimeout(act, SETTLE_MS);
  });
}

/** The compiler says when a round has ended; a round with errors leaves the running sidecar as it is. */
function watchCompiler() {
  const tsc = resolve(root, 'node_modules/typescript/bin/tsc');
  const options = ['--watch', '--preserveWatchOutput', '--pretty', 'false'];
  const compiler = spawn(...node(tsc, '-p', 'tsconfig.json', ...options), {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    // `tsc` starts the real compiler as its child, and both have to end: a group of their own takes one signal.
    detached: true,
  });
  let rounds = 0;
  createInterface({ input: compiler.stdout }).on('line', (line) => {
    const errors = /Found (\d+) errors?\b/.exec(line)?.[1];
    if (errors === undefined) {
      if (/: error TS\d+/.test(line)) console.log(line);
    } else if (errors !== '0') say(`${errors} error(s): the sidecar stays as it was`);
    else if (rounds++ === 0) start();
    else restart('compiled');
  });
  compiler.once('exit', (code) => {
    if (stopping) return;
    say(`the compiler ended (${code})`);
    stop();
  });
  return compiler;
}

function watchPage() {
  const build = () => {
    const { status } = spawnSync(...node('src/page/build.mjs'), { cwd: root, stdio: 'inherit' });
    if (status === 0) restart('the page is built');
  };
  return ['src/page', 'src/page/styles'].map((folder) => onChange(resolve(root, folder), () => true, build));
}

function watchConfig() {
  const at = args.findIndex((arg) => /^(-c|--config)(=|$)/.test(arg));
  const file = at < 0 ? process.env.ACKSPAN_CONFIG : (/=(.*)/.exec(args[at])?.[1] ?? args[at + 1]);
  if (!file) return [];
  const path = resolve(root, file);
  // A file in a folder that does not exist is a fault that the sidecar names.
  if (!existsSync(dirname(path))) return [];
  // The folder, because editors replace a file instead of writing into it.
  return [
    onChange(
      dirname(path),
      (name) => name === basename(path),
      () => restart(`${file} has changed`),
    ),
  ];
}

function stop() {
  if (stopping) return;
  stopping = true;
  for (const watcher of watchers) watcher.close();
  try {
    process.kill(-compiler.pid, 'SIGTERM');
  } catch {
    // The compiler has ended by itself.
  }
  sidecar?.kill('SIGTERM');
}

if (spawnSync(...node('src/page/build.mjs'), { cwd: root, stdio: 'inherit' }).status !== 0) process.exit(1);
const compiler = watchCompiler();
const watchers = [...watchPage(), ...watchConfig()];
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);

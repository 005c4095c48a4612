// Programs that tests start are gone when the process of the tests is, also where that is killed and runs nothing more.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { tied } from '../support/tied.ts';

/** Starts what its argument says, and tells the pid. */
const PARENT = `
  const [command, args] = JSON.parse(process.argv[1]);
  const child = require('node:child_process').spawn(command, args, { stdio: 'ignore' });
  child.once('spawn', () => console.log(child.pid));
`;
const LASTING = [process.execPath, ['-e', 'setInterval(() => {}, 1e6)']] as const;

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

it.skipIf(missing('setpriv')).each(['SIGKILL', 'SIGTERM'] as const)(
  'a parent that gets %s takes its child along',
  async (signal) => {
    const parent = spawn(process.execPath, ['-e', PARENT, JSON.stringify(tied(...LASTING))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
    const pid = Number(line);
    expect(lives(pid)).toBe(true);
    parent.kill(signal);
    await eventually(() => expect(lives(pid)).toBe(false));
  },
);

it('what is closed at the end of a test is closed also where something before it fails', async () => {
  const closed: string[] = [];
  atEnd(() => void closed.push('redis'));
  atEnd(() => {
    throw new Error('a folder is not empty');
  });
  await expect(closeAll()).rejects.toThrow('a folder is not empty');
  expect(closed).toEqual(['redis']);
});

// Test support: a program that ends with the process that starts it, in whatever way that one ends.
import { findProgram } from './component.ts';

/**
 * The command line of a program that the kernel kills when its parent is gone: a worker of the
 * tests is ended by a signal, and runs nothing then. Without `setpriv` it is the program's own.
 */
export function tied(command: string, args: readonly string[]): [command: string, args: string[]] {
  const setpriv = findProgram('setpriv');
  return setpriv === undefined ? [command, [...args]] : [setpriv, ['--pdeathsig', 'KILL', '--', command, ...args]];
}

// cli: keeps V8’s young generation at the size with which it begins: what is resident stays small.
import { setFlagsFromString } from 'node:v8';

/**
 * Is called before `openBundle`, because V8 takes no code from a cache that was left under other
 * flags. A size of the operator's own choice stays.
 */
export function boundYoungGeneration(): void {
  const flags = `${process.env.NODE_OPTIONS ?? ''} ${process.execArgv.join(' ')}`;
  if (!/semi[-_]space/.test(flags)) setFlagsFromString('--semi-space-growth-factor=1');
}

// cli: settles V8's flags about the heap before the sidecar's code is opened: small, and out of the code cache.
import { setFlagsFromString } from 'node:v8';

/**
 * Is called before `openBundle`, because V8 takes no code from a cache that was left under other
 * flags.
 */
export function settleHeapFlags(): void {
  const flags = `${process.env.NODE_OPTIONS ?? ''} ${process.execArgv.join(' ')}`;
  // The young generation stays at the size with which it begins: what is resident stays small. A
  // size of the operator's own choice stays.
  if (!/semi[-_]space/.test(flags)) setFlagsFromString('--semi-space-growth-factor=1');
  // Each deployment limits the old generation in its own way. V8 has taken the limit when the
  // process began, and it stays in force. Only the flag is as in the build again.
  if (/max[-_]old[-_]space[-_]size/.test(flags)) setFlagsFromString('--max-old-space-size=0');
}

// cli: the exit codes of every command.

/** Everything went as asked. */
export const OK = 0;
/** It was asked rightly and went wrong. */
export const FAILED = 1;
/** Bad usage, or a configuration with faults. */
export const USAGE = 2;

// cli: the exit codes of every command.

/** Everything went as asked. */
export const OK = 0;
/** It was asked rightly and went wrong, or what was asked for does not exist. */
export const FAILED = 1;
/** Bad usage, or a configuration with faults. */
export const USAGE = 2;
/** The admin server of a sidecar cannot be reached, or does not let one in. */
export const UNREACHABLE = 3;

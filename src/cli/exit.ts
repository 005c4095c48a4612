// cli: the exit codes of every command.

/** The command did what was asked. */
export const OK = 0;
/** The usage was right, and the command failed, or what was asked for does not exist. */
export const FAILED = 1;
/** Bad usage, or a configuration with faults. */
export const USAGE = 2;
/** The admin server of a sidecar cannot be reached, or refuses access. */
export const UNREACHABLE = 3;

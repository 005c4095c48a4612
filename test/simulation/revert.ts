// Simulation: an old behaviour, to be switched on again at run time, and how a method is put in the place of another.

/** One old behaviour. */
export interface Revert {
  readonly name: string;
  /** What of a failure's text (`kind: text`) shows that this was it. */
  readonly shows: RegExp;
  apply(): void;
}

export type Method = (this: never, ...args: never[]) => unknown;

/** Puts a method in the place of another, which it is given; private ones included. */
export function replace<T extends object>(prototype: T, name: string, make: (old: Method) => Method): void {
  const methods = prototype as Record<string, Method>;
  const old = methods[name];
  if (old === undefined) throw new Error(`no method ${name} to put an old behaviour in the place of`);
  methods[name] = make(old);
}

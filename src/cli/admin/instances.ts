// cli: one question to several instances: the first must answer, of the others what they do not say is told.
import type { AdminClient } from '../../admin-client/client.ts';
import { AdminFailure } from '../../admin-client/failure.ts';
import { printable } from '../../admin-client/printable.ts';
import type { Asked } from './command.ts';

/** What one instance answered. */
export interface From<T> {
  /** Host and port, and the path of a mount: how the instance is named in output. */
  readonly instance: string;
  readonly client: AdminClient;
  readonly answer: T;
}

/** How an instance is named. */
export function nameOf({ place }: AdminClient): string {
  return place.base.replace(/^https?:\/\//, '');
}

/** Asks all at once, in the order in which they were given. Rejects when the first fails. */
export async function askAll<T>(
  { client, others, terminal }: Asked,
  question: (client: AdminClient) => Promise<T>,
): Promise<From<T>[]> {
  const ask = async (each: AdminClient): Promise<From<T>> => ({
    instance: nameOf(each),
    client: each,
    answer: await question(each),
  });
  const rest = others.map((each) =>
    ask(each).catch((error: unknown) => {
      if (!(error instanceof AdminFailure)) throw error;
      terminal.say(`ackspan: left out: ${printable(error.message)}`);
      return undefined;
    }),
  );
  const answers = await Promise.all([ask(client), ...rest]);
  return answers.filter((each) => each !== undefined);
}

// cli: one question to several instances: every answer is shown, and an instance without one is named.
import { type AdminClient, nameOf } from '../../admin-client/client.ts';
import { AdminFailure } from '../../admin-client/failure.ts';
import { printable } from '../../admin-client/printable.ts';
import type { Asked } from './command.ts';

/** The answer of one instance. */
export interface From<T> {
  /** Name of the instance in output: host and port, and the path of a mount. */
  readonly instance: string;
  readonly client: AdminClient;
  readonly answer: T;
}

/**
 * Asks all instances at once. The answers come in the order in which the instances were given.
 * Rejects with the first failure when no instance answers.
 */
export async function askAll<T>(
  { client, others, terminal }: Asked,
  question: (client: AdminClient) => Promise<T>,
): Promise<From<T>[]> {
  const told = await Promise.all(
    [client, ...others].map(async (each): Promise<From<T> | AdminFailure> => {
      try {
        return { instance: nameOf(each), client: each, answer: await question(each) };
      } catch (error) {
        if (error instanceof AdminFailure) return error;
        throw error;
      }
    }),
  );
  const answers = told.filter((each): each is From<T> => !(each instanceof AdminFailure));
  const failures = told.filter((each) => each instanceof AdminFailure);
  if (answers.length === 0) throw failures[0];
  for (const { message } of failures) terminal.say(`ackspan: left out: ${printable(message)}`);
  return answers;
}

// mcp: one question to several instances: every answer counts, and an instance without one is named.
import type { AdminClient } from '../admin-client/client.ts';
import { AdminFailure } from '../admin-client/failure.ts';
import { failureText } from './answer.ts';

/**
 * The answers in the order of `clients`, and a line for each instance without an answer. Rejects
 * with the first failure when no instance answers.
 */
export async function askEach<T>(
  clients: readonly AdminClient[],
  question: (client: AdminClient) => Promise<T>,
): Promise<{ readonly answers: readonly T[]; readonly leftOut: readonly string[] }> {
  const answers: T[] = [];
  const failures: AdminFailure[] = [];
  const told = await Promise.all(
    clients.map((client) =>
      question(client).catch((error: unknown) => {
        if (error instanceof AdminFailure) return error;
        throw error;
      }),
    ),
  );
  for (const each of told)
    if (each instanceof AdminFailure) failures.push(each);
    else answers.push(each);
  if (answers.length === 0 && failures[0] !== undefined) throw failures[0];
  return { answers, leftOut: failures.map((failure) => `Left out: ${failureText(failure)}.`) };
}

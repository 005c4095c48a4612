// sidecar: what people read at one instance of all: asked and answered over the store that the instances share.
import type { Across } from '../admin/across.ts';
import type { Report } from '../delivery/ports.ts';
import { Asking } from '../journal/redis/asking.ts';
import type { RedisStore } from '../journal/redis/redis-store.ts';

/** How long other instances may take to answer, ms. */
const PATIENCE_MS = 2000;

/** Reads at the others. Where Redis cannot be asked, nobody else answers. */
export function createAcross(shared: Pick<RedisStore, 'wire' | 'instance' | 'gate'>): Across {
  const { wire, instance, gate } = shared;
  const reading = new Asking<{ readonly instance: string; readonly body: string }>(wire, PATIENCE_MS);
  wire.on('reading', ({ ask, from, body }) => reading.answered(ask, { instance: from, body }));
  return {
    instance,
    async read(target) {
      if (!gate.open || reading.full) return { answers: [], missing: 0 };
      const { answers, missing } = await reading.ask((ask) => ({ kind: 'read', ask, from: instance, target }));
      return { answers, missing };
    },
  };
}

/** Answers others that read. `answer`: this instance's answer, as JSON. */
export function answerReaders(
  { wire, instance }: Pick<RedisStore, 'wire' | 'instance'>,
  answer: (target: string) => Promise<string>,
  report: Report,
): void {
  wire.on('read', ({ ask, from, target }) => {
    if (from === instance) return;
    answer(target)
      .then((body) => wire.tell(from, { kind: 'reading', ask, from: instance, body }))
      .catch((error: unknown) => report({ stage: 'admin', error }));
  });
}

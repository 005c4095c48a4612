// Test support: a wire protocol of one-line messages, to try the seam with a protocol that is not JSON.
import type { CreateProtocol } from '../../src/decode/decoder.ts';
import { Facts } from '../../src/decode/event-types.ts';
import { firstBytes } from '../../src/decode/first-bytes.ts';
import type { Match, MessageReader } from '../../src/decode/protocol.ts';

/**
 * Upstream: `EVENT type id`. Client: `OK id` (the backend waits for it too), `DONE id` and
 * `FAIL id why` (for the sidecar alone).
 */
export const lineProtocol: CreateProtocol = (_, types) => {
  const begins = firstBytes('ODFH');

  function open(): MessageReader {
    const facts = new Facts(types.table.types[0]!);
    return {
      begins,
      leftOut: [],
      more: false,
      next: () => undefined,
      event(buf, start, end, bytes = end - start) {
        const [word, type = '', id] = words(buf, start, end);
        if (word !== 'EVENT') {
          types.others.no_type++;
          return undefined;
        }
        const name = Buffer.from(type);
        const found = types.table.find(name, 0, name.length);
        if (found === undefined) {
          types.others.untracked++;
          return undefined;
        }
        facts.bare(found, bytes).id = id;
        return facts;
      },
      confirmation(buf, start, end) {
        const [word, eventId, ...why] = words(buf, start, end);
        if (eventId === undefined) return undefined;
        if (word === 'OK') return { eventId, rejected: false, error: '', forward: true };
        if (word === 'DONE') return { eventId, rejected: false, error: '' };
        return word === 'FAIL' ? { eventId, rejected: true, error: why.join(' ') } : undefined;
      },
    };
  }

  return {
    name: 'lines',
    matchesUpgrade({ path, subprotocol }): Match {
      if (subprotocol === 'lines' || path.startsWith('/lines/')) return 'yes';
      return path === '/json' ? 'no' : 'maybe';
    },
    matchesMessage(from, buf, start, end): Match {
      const [word] = words(buf, start, end);
      if (word === (from === 'client' ? 'HELLO' : 'EVENT')) return 'yes';
      return buf[start] === 0x7b ? 'no' : 'maybe';
    },
    begins,
    open,
  };
};

const words = (buf: Buffer, start: number, end: number): string[] => buf.toString('latin1', start, end).split(' ');

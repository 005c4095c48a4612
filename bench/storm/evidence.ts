// Storm: reads what a client says on its way to the sidecar, and notes each proof once it lies in the sidecar's socket.
import { now } from '../load/timing.ts';
import type { Barriers } from './client.ts';
import type { ConnectionRecord, Evidence } from './record.ts';
import { BINARY, CLOSE, createWireReader, PONG, type Read, TEXT } from './wire.ts';

type Proof = Evidence extends infer E ? (E extends Evidence ? Omit<E, 'at'> : never) : never;

/** For `LinkWatch.passingUp` of one client connection. */
export function createEvidenceReader(record: ConnectionRecord, barriers: Barriers) {
  let found: Proof[] = [];
  let words = 0;
  let broken = false;
  let closed = false;
  const read = createWireReader(
    () => {},
    (each) => {
      if (closed) return;
      if (each.opcode === CLOSE) closed = true;
      else if (each.opcode === PONG) {
        const through = barriers.get(each.payload().toString('latin1'));
        if (through !== undefined) found.push({ word: 'pong', through });
      } else if (each.broken) broken = true;
      else if (each.opcode === TEXT && !broken) word(each);
      else if (each.opcode === BINARY) return;
    },
  );

  function word(each: Read): void {
    const text = each.payload().toString();
    if (record.optedIn) {
      const confirm = /^\{"ackspan":"confirm","through":(\d+)(?:,"also":\[([\d,]*)\])?/.exec(text);
      if (confirm === null) return;
      const also = confirm[2] ? confirm[2].split(',').map(Number) : [];
      found.push({ word: 'handled', through: Number(confirm[1]), also });
      return;
    }
    const said = record.said[words++];
    if (said === undefined) return;
    found.push({ word: said.ok ? 'confirmed' : 'rejected', id: said.id, after: said.after });
  }

  return (bytes: Buffer): (() => void) | undefined => {
    read(bytes);
    if (found.length === 0) return undefined;
    const proofs = found;
    found = [];
    return () => {
      const at = now();
      for (const proof of proofs) record.evidence.push({ at, ...proof } as Evidence);
    };
  };
}

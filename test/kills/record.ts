// kills: what the files of a store say after a kill, read without touching them: what was tracked, how each delivery ended, and how far each session had come.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readEntry, readPayload } from '../../src/journal/codec.ts';
import type { Entry } from '../../src/journal/entry.ts';
import { readFrames } from '../../src/journal/frame.ts';
import { Image } from '../../src/journal/image.ts';
import { HEADER_BYTES, readHeader, segmentNumber } from '../../src/journal/segment.ts';

/** All that any process has written down of outcomes, over all kills. */
export class Record {
  /** By number of the delivery: its first record, and the places of its outcomes. */
  readonly deliveries = new Map<number, { tracked: boolean; readonly ends: Map<string, string> }>();

  /**
   * Takes in the files as they are now; answers what follows from them, and what in them cannot be
   * read.
   */
  look(directory: string): { readonly image: Image; readonly damaged: string[] } {
    const image = new Image();
    const damaged: string[] = [];
    const names = readdirSync(directory).filter((name) => segmentNumber('state', name) !== undefined);
    for (const name of names.sort()) {
      const buf = readFileSync(join(directory, name));
      const header = readHeader(buf);
      // The process ended while it began the file.
      if (header === undefined && buf.length < HEADER_BYTES && name === names.at(-1)) continue;
      if (header === undefined) {
        damaged.push(name);
        continue;
      }
      readFrames(buf, HEADER_BYTES, header.nonce, {
        record: (start, end) => {
          const payload = readPayload(buf, start, end);
          const entry = payload && readEntry(...payload);
          if (entry === undefined) damaged.push(`${name} at ${start}`);
          else this.#take(entry, image, `${name}:${start}`);
        },
        damaged: (from, to) => void damaged.push(`${name} from ${from} to ${to}`),
      });
    }
    return { image, damaged };
  }

  #take(entry: Entry, image: Image, place: string): void {
    image.apply(entry);
    if (entry.kind === 'tracked') this.#of(entry.delivery.seq).tracked = true;
    if (entry.kind !== 'settled') return;
    const { status, errorType } = entry.outcome;
    this.#of(entry.seq).ends.set(place, errorType === '' ? status : `${status}: ${errorType}`);
  }

  #of(seq: number) {
    const known = this.deliveries.get(seq) ?? { tracked: false, ends: new Map<string, string>() };
    this.deliveries.set(seq, known);
    return known;
  }

  /** How many deliveries ended how, and those with more or fewer ends than one. */
  sum(): { readonly ends: Map<string, number>; readonly without: number[]; readonly several: number[] } {
    const ends = new Map<string, number>();
    const without: number[] = [];
    const several: number[] = [];
    for (const [seq, { tracked, ends: own }] of this.deliveries) {
      if (tracked && own.size === 0) without.push(seq);
      if (own.size > 1) several.push(seq);
      for (const end of own.values()) ends.set(end, (ends.get(end) ?? 0) + 1);
    }
    return { ends, without, several };
  }
}

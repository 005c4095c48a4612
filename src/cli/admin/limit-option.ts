// cli: the option for the most rows that a command shows.
import { InvalidArgumentError, Option } from 'commander';

/** `-n, --limit <count>`: a whole number from 1 to `most`. */
export function limitOption(preset: number, most: number): Option {
  return new Option('-n, --limit <count>', `most rows, 1 to ${most}`)
    .argParser((text: string) => {
      const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
      if (count < 1 || count > most) throw new InvalidArgumentError(`Write a whole number from 1 to ${most}.`);
      return count;
    })
    .default(preset);
}

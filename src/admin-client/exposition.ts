// admin-client: reads the text of `/metrics`, for counts that the JSON resources do not have.

/** One line of Prometheus text. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Every sample of a text exposition (format 0.0.4). Other lines are skipped. */
export function readSamples(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const match = line.startsWith('#') ? null : LINE.exec(line);
    if (match === null) continue;
    const labels: Record<string, string> = {};
    for (const [, key, value] of (match[2] ?? '').matchAll(LABEL)) labels[key!] = value!;
    samples.push({ name: match[1]!, labels, value: Number(match[3]) });
  }
  return samples;
}

/** Sum of the samples of one name that have all `labels`; the value `''` = the label is absent. */
export function sumOf(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels);
  let sum = 0;
  for (const sample of samples)
    if (sample.name === name && wanted.every(([key, value]) => (sample.labels[key] ?? '') === value))
      sum += sample.value;
  return sum;
}

/** Sums of the samples of one name, by the value of `label`. */
export function sumsBy(samples: readonly Sample[], name: string, label: string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const sample of samples) {
    if (sample.name !== name) continue;
    const word = sample.labels[label] ?? '';
    sums.set(word, (sums.get(word) ?? 0) + sample.value);
  }
  return sums;
}

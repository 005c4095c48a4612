// admin: payloads as people may see them: as text, without the values of secret members.

const MASK = '[redacted]';
/** Bytes of a payload that are shown without being parsed: from there on it is cut anyway. */
const DEEP = 64;

/**
 * Shows a payload. A member is secret if its name holds one of `words`; case, `_` and `-` do not
 * count.
 */
export function createRedactor(words: readonly string[]): (text: string) => string {
  const bare = (name: string): string => name.toLowerCase().replace(/[_-]/g, '');
  const secrets = words.map(bare);
  const isSecret = (name: string): boolean => {
    const own = bare(name);
    return secrets.some((secret) => own.includes(secret));
  };
  const clean = (value: unknown, depth: number): unknown => {
    if (depth > DEEP) return MASK;
    if (Array.isArray(value)) return value.map((one) => clean(one, depth + 1));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name, isSecret(name) ? MASK : clean(member, depth + 1)]),
    );
  };
  const roughly = createRoughRedactor(isSecret);
  return (text) => {
    if (secrets.length === 0) return text;
    try {
      return JSON.stringify(clean(JSON.parse(text), 0));
    } catch {
      // The text is no JSON, or only its beginning: members that look secret are taken out by their
      // names.
      return roughly(text);
    }
  };
}

/** For text that cannot be parsed: `"name": value` up to the end of the value, or of the text. */
function createRoughRedactor(isSecret: (name: string) => boolean): (text: string) => string {
  const member = /"((?:[^"\\]|\\.){0,200})"\s*:\s*("(?:[^"\\]|\\.)*"?|[^,}\]\s"{[]+|[[{])/g;
  return (text) => {
    let cut = text.length;
    const shown = text.replace(member, (whole, name: string, value: string, at: number) => {
      if (!isSecret(name)) return whole;
      // The end of a secret structure cannot be found, so everything behind its beginning is taken
      // out.
      if (value === '{' || value === '[') cut = Math.min(cut, at);
      return `"${name}":"${MASK}"`;
    });
    return cut < text.length ? `${roughCut(text, cut, isSecret)}${MASK}` : shown;
  };
}

function roughCut(text: string, cut: number, isSecret: (name: string) => boolean): string {
  return createRoughRedactor(isSecret)(text.slice(0, cut));
}

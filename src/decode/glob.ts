// decode: globs over event types: `*` stands for any text, also none; `?` for one character; no other is special.

/** Whether a pattern has to be matched rather than compared. */
export function isGlob(pattern: string): boolean {
  return /[*?]/.test(pattern);
}

/**
 * Whether `name` as a whole matches `pattern`, case-sensitively. `?` is one UTF-16 unit. Time is at
 * most name × pattern, whatever the pattern: only the last `*` is ever tried again.
 */
export function globMatches(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else return false;
  }
  while (p < pattern.length && pattern[p] === '*') p++;
  return p === pattern.length;
}

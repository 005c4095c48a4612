// page: the place of the reader behind the `#` of the address: reloads, bookmarks and links keep it, under any mount.

/** A place: the parts of its path and its parameters. */
export interface Place {
  readonly path: readonly string[];
  readonly params: Readonly<Record<string, string>>;
}

/** Reads the place behind the `#`. Malformed %-encoding stands for itself. */
export function readPlace(hash: string): Place {
  const text = hash.replace(/^#\/?/, '');
  const cut = text.indexOf('?');
  const path = (cut < 0 ? text : text.slice(0, cut)).split('/').filter((part) => part !== '');
  const params: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(cut < 0 ? '' : text.slice(cut + 1))) params[name] = value;
  return { path: path.map(decoded), params };
}

/** Writes a place. Parameters without a value are left out. */
export function writePlace(path: readonly string[], params: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(params).filter(
    (each): each is [string, string] => each[1] !== undefined && each[1] !== '',
  );
  const search = new URLSearchParams(given).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A lone `%`, which somebody has typed, stands for itself.
    return part;
  }
}

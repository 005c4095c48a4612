// page: where one is, kept behind the `#` of the address: it survives a reload, a bookmark and a message to a colleague, under any mount.

/** A place: the parts of its path and its parameters. */
export interface Place {
  readonly path: readonly string[];
  readonly params: Readonly<Record<string, string>>;
}

/** Reads what stands behind the `#`. Malformed %-encoding is taken as it stands. */
export function readPlace(hash: string): Place {
  const text = hash.replace(/^#\/?/, '');
  const cut = text.indexOf('?');
  const path = (cut < 0 ? text : text.slice(0, cut)).split('/').filter((part) => part !== '');
  const params: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(cut < 0 ? '' : text.slice(cut + 1))) params[name] = value;
  return { path: path.map(decoded), params };
}

/** Writes a place; parameters without a value are left out. */
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
    // Somebody typed a lone `%`: it means itself.
    return part;
  }
}

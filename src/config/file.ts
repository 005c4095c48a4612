// config: the YAML file: text → values with their places. `${VAR}` and `${VAR:-default}` are filled in.
import type { Node, Pair } from 'yaml';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { ConfigFault } from './fault.ts';
import { keyPath } from './fault.ts';

/** A file as it was read. */
export interface FileText {
  /** The name of the file in messages. */
  readonly name: string;
  readonly text: string;
}

/** A place in the file. */
export type Place = Pick<ConfigFault, 'at' | 'line' | 'column'>;

/** The file's content. */
export interface ConfigFile {
  /** Undefined when the file is empty or cannot be parsed. */
  readonly root: unknown;
  /** Syntax errors and variables that are not set. */
  readonly faults: readonly ConfigFault[];
  /** Names of the variables that the file refers to. */
  readonly variables: ReadonlySet<string>;
  /**
   * Where the value at this path starts, or with `ofKey` its key. Follows the path as deep as it
   * can.
   */
  place(path: readonly PropertyKey[], ofKey?: boolean): Place;
}

// YAML reads `{`, `}` and `,` as its own signs inside `{ token: ${TOKEN} }`, so references are
// moved to private-use characters of the same length (columns stay right) before parsing, and back
// when their scalar is filled in.
const SHIFT = 0xe000;
const shift = (text: string, by: number, from: number): string =>
  text.replace(/./gsu, (c) => {
    const code = c.codePointAt(0)!;
    return code >= from && code < from + 128 ? String.fromCodePoint(code + by) : c;
  });
const hide = (text: string): string => text.replace(/\$?\$\{[^}\n]*\}/g, (reference) => shift(reference, SHIFT, 0));
const HIDDEN = /\ue024?\ue024\ue07b[^\ue07d\n]*\ue07d/g;

const MAX_NODES = 100_000;
const MAX_DEPTH = 32;
const TOO_LARGE = `nests deeper than ${MAX_DEPTH} levels or, with its aliases, holds more than ${MAX_NODES} values`;

/** Reads a file. Never throws: faults of the file are in `faults`. */
export function readConfigFile(
  { name, text }: FileText,
  env: Readonly<Record<string, string | undefined>>,
): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(hide(text), { lineCounter: lines, prettyErrors: false });
  const faults: ConfigFault[] = [];
  const variables = new Set<string>();
  const at = (offset: number | undefined): Place => {
    if (offset === undefined) return { at: name, line: undefined, column: undefined };
    const { line, col } = lines.linePos(offset);
    return { at: `${name}:${line}:${col}`, line, column: col };
  };

  for (const error of document.errors) {
    faults.push({ key: '', ...at(error.pos[0]), message: `not valid YAML: ${shift(error.message, -SHIFT, SHIFT)}` });
  }

  const fill = (scalar: string, path: readonly PropertyKey[], offset: number | undefined): string =>
    scalar.replace(HIDDEN, (hidden) => {
      const reference = shift(hidden, -SHIFT, SHIFT);
      if (reference.startsWith('$$')) return reference.slice(1);
      const found = /^\$\{([A-Za-z_]\w*)(?::-(.*))?\}$/.exec(reference);
      if (found === null) {
        const message = `${reference} is no reference to a variable; write \${NAME} or \${NAME:-default}, or $\${ for the characters themselves`;
        faults.push({ key: keyPath('', path), ...at(offset), message });
        return '';
      }
      variables.add(found[1]!);
      const value = env[found[1]!];
      if (value !== undefined && value !== '') return value;
      if (found[2] === undefined) {
        const message = `the variable ${found[1]} is not set; set it, or write \${${found[1]}:-default}`;
        faults.push({ key: keyPath('', path), ...at(offset), message });
      }
      return found[2] ?? '';
    });

  let visited = 0;
  let tooLarge = false;
  const plain = (node: unknown, path: readonly PropertyKey[]): unknown => {
    // Anchors that contain or multiply themselves would never end.
    if (++visited > MAX_NODES || path.length > MAX_DEPTH) {
      tooLarge = true;
      return null;
    }
    if (isAlias(node)) return plain(node.resolve(document), path);
    if (isMap(node)) {
      const own = node.items.filter((pair) => !isMerge(pair));
      const merged = node.items.filter(isMerge).flatMap((pair) => mergedIn(pair.value, path));
      // What comes first wins: a mapping's own keys, then the mappings that it merges, in their
      // order.
      return Object.assign(
        {},
        ...merged.reverse(),
        Object.fromEntries(own.map((pair) => [keyOf(pair), plain(pair.value, [...path, keyOf(pair)])])),
      );
    }
    if (isSeq(node)) return node.items.map((item, index) => plain(item, [...path, index]));
    if (!isScalar(node)) return null;
    return typeof node.value === 'string' ? fill(node.value, path, node.range?.[0]) : node.value;
  };

  /** The mappings that `<<` names: one, or a list of them. */
  const mergedIn = (node: unknown, path: readonly PropertyKey[]): object[] => {
    const value = plain(node, path);
    const all = Array.isArray(value) ? value : [value];
    const good = all.filter((each) => typeof each === 'object' && each !== null && !Array.isArray(each));
    if (good.length < all.length)
      faults.push({
        key: keyPath('', [...path, '<<']),
        ...at((node as Node | null)?.range?.[0]),
        message: 'merges what is no mapping',
      });
    return good;
  };

  const readable = document.errors.length === 0 && document.contents !== null;
  const root = readable ? plain(document.contents, []) : undefined;
  if (tooLarge) faults.push({ key: '', ...at(undefined), message: TOO_LARGE });
  return {
    root: tooLarge ? undefined : root,
    faults,
    variables,
    place: (path, ofKey = false) => at(offsetOf(document.contents, path, ofKey)),
  };
}

/** YAML 1.1's merge key, which compose files made usual. */
function isMerge(pair: Pair): boolean {
  return isScalar(pair.key) && pair.key.value === '<<';
}

function keyOf(pair: Pair): string {
  return String(isScalar(pair.key) ? pair.key.value : pair.key);
}

function offsetOf(start: Node | null, path: readonly PropertyKey[], ofKey: boolean): number | undefined {
  let node: unknown = start;
  let offset = start?.range?.[0];
  for (const [depth, step] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find((item) => keyOf(item) === step);
      if (pair === undefined) return offset;
      const wanted = (ofKey && depth === path.length - 1) || pair.value === null ? pair.key : pair.value;
      offset = (wanted as Node).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = (node as Node | undefined)?.range?.[0] ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}

// decode: the pointers compiled to a tree of paths, which the walk follows byte by byte and fills with what it finds.
import { arrayIndex, parsePointer } from './pointer.ts';

/**
 * What a document has at a path. `nothing` also stands for null; `other` is true, false, an object
 * or an array.
 */
export const FOUND = { nothing: 0, ascii: 1, utf8: 2, escaped: 3, number: 4, other: 5 } as const;

/**
 * Tells the few keys of one node apart: by length and three of the bytes. A comparison tells apart
 * what it confuses.
 */
function keyHash(buf: Buffer, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  return length * 7 + buf[start]! * 31 + buf[start + (length >> 1)]! * 5 + buf[end - 1]!;
}

/**
 * One token of one or more pointers. Fixed shape: the walk reads and writes these fields for every
 * key it knows.
 */
export class PathNode {
  readonly key: Buffer;
  readonly hash: number;
  /** Whether a pointer ends here. */
  wanted = false;
  /**
   * Children by the hash of their key, open addressing; undefined = no child can be an object's
   * member.
   */
  table: (PathNode | undefined)[] = [];
  mask = 0;
  children: PathNode[] = [];
  /** Children by array index; undefined = none of them is an index. */
  items: Map<number, PathNode> | undefined = undefined;
  lastItem = -1;
  /**
   * Every node below. They are forgotten when a duplicate key replaces the value that they were
   * found in.
   */
  below: PathNode[] = [];

  /** The walk that last met this path; the fields below are of that walk. */
  walk = 0;
  found: number = FOUND.nothing;
  /** Offsets of the value: inside the quotes for a string, the whole text for a number. */
  start = 0;
  end = 0;

  constructor(key: string) {
    this.key = Buffer.from(key, 'utf8');
    this.hash = keyHash(this.key, 0, this.key.length);
  }

  /** The child whose key is exactly `buf[start, end)` (UTF-8, no escapes). */
  child(buf: Buffer, start: number, end: number): PathNode | undefined {
    const { table, mask } = this;
    const hash = keyHash(buf, start, end);
    let slot = hash & mask;
    let node = table[slot];
    while (node !== undefined) {
      if (node.hash === hash && equalBytes(node.key, buf, start, end)) return node;
      slot = (slot + 1) & mask;
      node = table[slot];
    }
    return undefined;
  }
}

/** Whether `buf[start, end)` is exactly `key`. */
export function equalBytes(key: Uint8Array, buf: Buffer, start: number, end: number): boolean {
  const length = end - start;
  if (key.length !== length) return false;
  for (let i = 0; i < length; i++) if (key[i] !== buf[start + i]) return false;
  return true;
}

/** Pointers that are looked for together, in one walk. */
export interface Paths {
  readonly root: PathNode;
  /** The node of each distinct pointer. */
  node(pointer: string): PathNode;
}

/**
 * Compiles pointers; throws a TypeError for a malformed one. The tree is used by one walk at a
 * time.
 */
export function createPaths(pointers: readonly string[]): Paths {
  const root = new PathNode('');
  const nodes = new Map<string, PathNode>();
  for (const pointer of pointers) {
    let node = root;
    for (const token of parsePointer(pointer)) node = grow(node, token);
    node.wanted = true;
    nodes.set(pointer, node);
  }
  seal(root);
  return {
    root,
    node(pointer) {
      const node = nodes.get(pointer);
      if (node === undefined) throw new Error(`pointer "${pointer}" was not compiled`);
      return node;
    },
  };
}

function grow(parent: PathNode, token: string): PathNode {
  const key = Buffer.from(token, 'utf8');
  const known = parent.children.find((child) => child.key.equals(key));
  if (known !== undefined) return known;
  const node = new PathNode(token);
  parent.children.push(node);
  const index = arrayIndex(token);
  if (index >= 0) {
    parent.items ??= new Map();
    parent.items.set(index, node);
    parent.lastItem = Math.max(parent.lastItem, index);
  }
  return node;
}

/**
 * Builds the tables, at most a quarter full so that a foreign key nearly always ends on an empty
 * slot at once.
 */
function seal(node: PathNode): PathNode[] {
  let size = 4;
  while (size < node.children.length * 4) size *= 2;
  node.table = new Array<PathNode | undefined>(size).fill(undefined);
  node.mask = size - 1;
  for (const child of node.children) {
    let slot = child.hash & node.mask;
    while (node.table[slot] !== undefined) slot = (slot + 1) & node.mask;
    node.table[slot] = child;
    node.below.push(child, ...seal(child));
  }
  return node.below;
}

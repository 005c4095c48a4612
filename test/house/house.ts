// House: rooms, the arrows between them, the floors that follow from the arrows, and the circles, which there should not be.
import { type Import, type Kind, roomOf } from './imports.ts';

export interface Room {
  readonly name: string;
  readonly files: number;
  readonly lines: number;
  /** 0 = it imports no other room; else one more than the highest room that it imports. */
  readonly floor: number;
  /**
   * The rooms that it imports, by the strongest kind of import: a value before one on demand before
   * a type.
   */
  readonly arrows: ReadonlyMap<string, Kind>;
}

export interface House {
  readonly rooms: readonly Room[];
  /** Names of the files beside the rooms. */
  readonly loose: readonly string[];
  /** Files that import each other by value, as paths that end where they began. */
  readonly fileCircles: readonly string[];
  /** Rooms that do. */
  readonly roomCircles: readonly string[];
}

const STRENGTH: Record<Kind, number> = { type: 0, lazy: 1, value: 2 };

export function buildHouse(lines: ReadonlyMap<string, number>, imports: readonly Import[]): House {
  const arrows = new Map<string, Map<string, Kind>>();
  const files = [...lines.keys()];
  for (const name of new Set(files.map(roomOf))) if (name !== '') arrows.set(name, new Map());
  for (const { from, to, kind } of imports) {
    if (to === undefined) continue;
    const [here, there] = [roomOf(from), roomOf(to)];
    const known = arrows.get(here);
    if (known === undefined || there === '' || here === there) continue;
    const before = known.get(there);
    if (before === undefined || STRENGTH[kind] > STRENGTH[before]) known.set(there, kind);
  }
  const floors = floorsOf(arrows);
  const rooms = [...arrows].map(([name, to]) => {
    const own = files.filter((file) => roomOf(file) === name);
    const sum = own.reduce((total, file) => total + lines.get(file)!, 0);
    return { name, files: own.length, lines: sum, floor: floors.get(name)!, arrows: to };
  });
  return {
    rooms: rooms.sort((a, b) => b.floor - a.floor || a.name.localeCompare(b.name)),
    loose: files.filter((file) => roomOf(file) === ''),
    fileCircles: circles(edges(imports, (file) => file)),
    roomCircles: circles(edges(imports, roomOf)),
  };
}

function edges(imports: readonly Import[], place: (file: string) => string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { from, to, kind } of imports) {
    if (kind !== 'value' || to === undefined) continue;
    const [here, there] = [place(from), place(to)];
    // The files beside the rooms belong to no room.
    if (here === there || here === '' || there === '') continue;
    found.set(here, (found.get(here) ?? new Set()).add(there));
  }
  return found;
}

/** Every circle that a walk along the arrows runs into, once. */
function circles(arrows: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const walk = (place: string): void => {
    const at = path.indexOf(place);
    if (at >= 0) found.push([...path.slice(at), place].join(' → '));
    if (at >= 0 || done.has(place)) return;
    path.push(place);
    for (const next of arrows.get(place) ?? []) walk(next);
    path.pop();
    done.add(place);
  };
  for (const place of [...arrows.keys()].sort()) walk(place);
  return found;
}

/**
 * Types count too: a reader follows them. In a circle of types, the room that is reached first
 * stays below.
 */
function floorsOf(arrows: ReadonlyMap<string, ReadonlyMap<string, Kind>>): Map<string, number> {
  const floors = new Map<string, number>();
  const under = new Set<string>();
  const floorOf = (room: string): number => {
    const known = floors.get(room);
    if (known !== undefined || under.has(room)) return known ?? -1;
    under.add(room);
    const floor = Math.max(-1, ...[...arrows.get(room)!.keys()].sort().map(floorOf)) + 1;
    under.delete(room);
    floors.set(room, floor);
    return floor;
  };
  for (const room of [...arrows.keys()].sort()) floorOf(room);
  return floors;
}

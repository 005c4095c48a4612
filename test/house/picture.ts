// House: the rooms as text, floor by floor.
import { buildHouse, type House, type Room } from './house.ts';
import { importsOf, sourceFiles, textOf } from './imports.ts';

/** The house as it stands in src/ now. */
export function readHouse(): House {
  const files = sourceFiles();
  const lines = new Map(files.map((file) => [file, textOf(file).split('\n').length - 1]));
  return buildHouse(lines, files.flatMap(importsOf));
}

/**
 * Floors from the top, each room with the rooms that it imports. Sizes only on demand: they change
 * with every commit.
 */
export function draw(house: House, sizes: boolean): string {
  const { rooms, loose, fileCircles, roomCircles } = house;
  const arrows = rooms.flatMap(({ arrows: to }) => [...to.values()]);
  const types = arrows.filter((kind) => kind === 'type').length;
  const width = Math.max(...rooms.map(({ name }) => name.length));
  const floors = Math.max(...rooms.map(({ floor }) => floor)) + 1;
  const lines = [
    `${rooms.length} rooms on ${floors} floors, ${arrows.length} arrows (${types} of types only)`,
    `circles by value: ${[...fileCircles, ...roomCircles].join('; ') || 'none'}`,
    `files beside the rooms: ${loose.join(', ') || 'none'}`,
    '',
  ];
  let floor = floors;
  for (const room of rooms) {
    const label = room.floor === floor ? ' ' : `${room.floor}`;
    floor = room.floor;
    lines.push(...drawRoom(room, label, width, sizes));
  }
  return lines.join('\n');
}

const WIDTH = 110;

function drawRoom(room: Room, label: string, width: number, sizes: boolean): string[] {
  const size = sizes ? ` ${String(room.files).padStart(3)} files ${String(room.lines).padStart(5)} lines` : '';
  const head = `${label}  ${room.name.padEnd(width)}${size}  `;
  const names = [...room.arrows].sort().map(([name, kind]) => (kind === 'type' ? `(${name})` : name));
  const lines: string[] = [];
  let line = `${head}${names.length === 0 ? '—' : '→'}`;
  for (const name of names) {
    if (line.length + name.length + 1 > WIDTH) {
      lines.push(line);
      line = ' '.repeat(head.length + 1);
    }
    line += ` ${name}`;
  }
  return [...lines, line];
}

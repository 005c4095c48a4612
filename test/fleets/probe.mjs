// fleets: loaded into each instance: writes every step of its sessions and deliveries to the file FLEET_STEPS, with the time.
import { subscribe } from 'node:diagnostics_channel';
import { openSync, writeSync } from 'node:fs';

const CHANNELS = [
  ...['upgrade:turned_away', 'connection:opened', 'session:resumed', 'connection:replaced'],
  ...['connection:parked', 'connection:closing', 'connection:closed'],
  ...['delivery:tracked', 'delivery:attempted', 'delivery:received', 'delivery:settled'],
];

const file = openSync(process.env.FLEET_STEPS, 'a');
let lines = '';

function write() {
  const text = lines;
  lines = '';
  writeSync(file, text);
}

for (const channel of CHANNELS) {
  const [, step] = channel.split(':');
  subscribe(`ackspan:${channel}`, ({ url, ...message }) => {
    if (lines === '') setImmediate(write);
    // Of a target only the user matters: the query holds a token.
    const user = url && new URL(url, 'http://here').searchParams.get('user');
    lines += `${JSON.stringify({ ...message, ...(user && { user }), step, wall: Date.now() })}\n`;
  });
}

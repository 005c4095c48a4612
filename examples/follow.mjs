// Prints every step of one connection: FOLLOW=c-2 NODE_OPTIONS='--import ./examples/follow.mjs' npx ackspan run …
import { subscribe } from 'node:diagnostics_channel';

const wanted = process.env.FOLLOW;
/** The session of the connection, and its deliveries: their steps name only those. */
const known = new Set(wanted === undefined ? [] : [wanted]);

function follow(channel) {
  subscribe(channel, (message) => {
    const { connection, session, delivery, url, ...rest } = message;
    const ids = [connection, session, delivery].filter((id) => id !== undefined);
    if (wanted !== undefined) {
      if (!ids.some((id) => known.has(id))) return;
      for (const id of ids) known.add(id);
    }
    // The query of a request may carry a token.
    const path = url === undefined ? {} : { path: url.split('?', 1)[0] };
    console.error(channel, ids.join(' '), JSON.stringify({ ...path, ...rest }));
  });
}

for (const step of ['turned_away', 'asked', 'refused']) follow(`ackspan:upgrade:${step}`);
for (const step of ['opened', 'capability', 'replaced', 'parked', 'closing', 'closed'])
  follow(`ackspan:connection:${step}`);
follow('ackspan:session:resumed');
for (const step of ['tracked', 'attempted', 'received', 'settled']) follow(`ackspan:delivery:${step}`);

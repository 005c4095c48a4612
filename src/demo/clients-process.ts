// demo: entry of the child process that holds the clients, good and bad.
import { CAST, membersOf } from './cast.ts';
import { serveOrders } from './child.ts';
import { createFleet, type Fleet } from './fleet.ts';

let fleet: Fleet | undefined;

serveOrders(async (message, tell) => {
  switch (message.order) {
    case 'start':
      fleet = await createFleet(message.target, membersOf(CAST));
      tell({ notice: 'ready', port: 0 });
      return;
    case 'misfortune':
      fleet?.misfortune();
      return;
    case 'rest':
      fleet?.rest();
      tell({ notice: 'resting' });
      return;
  }
});

// demo: entry of the child process that holds the agent backend.
import { type Backend, startBackend } from './backend.ts';
import { serveOrders } from './child.ts';

let backend: Backend | undefined;

serveOrders(async ({ order }, tell) => {
  switch (order) {
    case 'start':
      backend = await startBackend();
      tell({ notice: 'ready', port: backend.port });
      return;
    case 'rest':
      await backend?.rest();
      tell({ notice: 'resting' });
      return;
    case 'misfortune':
      // The misfortune happens to clients, not to the backend.
      return;
  }
});

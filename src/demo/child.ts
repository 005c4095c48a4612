// demo: the child's end of the IPC channel. A child never outlives its parent: it exits when the channel closes.
import type { Notice, Order } from './messages.ts';

/** Runs `onOrder` for every order. Its error is sent to the parent as `broken`. */
export function serveOrders(onOrder: (order: Order, tell: (notice: Notice) => void) => Promise<void>): void {
  const tell = (notice: Notice): void => {
    // The parent may be gone already. 'disconnect' ends this process then.
    if (process.connected) process.send?.(notice, undefined, undefined, () => {});
  };
  const broken = (error: unknown): void => {
    tell({ notice: 'broken', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  };
  process.on('message', (order: Order) => void onOrder(order, tell).catch(broken));
  process.on('disconnect', () => process.exit(0));
  process.on('uncaughtException', broken);
  // Ctrl-C reaches the whole process group. The parent decides when the children end.
  process.on('SIGINT', () => {});
}

// demo: the messages between the main process and its children over IPC.

/**
 * Main → child. `start` comes first, `misfortune` half-way. `rest` ends the load and leaves
 * connections open.
 */
export type Order =
  | { readonly order: 'start'; readonly target: string }
  | { readonly order: 'misfortune' }
  | { readonly order: 'rest' };

/**
 * Child → main. `ready`: the backend listens on `port`, or all clients (`port` 0) are connected.
 * `resting`: no more load.
 */
export type Notice =
  | { readonly notice: 'ready'; readonly port: number }
  | { readonly notice: 'resting' }
  | { readonly notice: 'broken'; readonly reason: string };

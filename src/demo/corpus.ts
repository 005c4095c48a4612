// demo: the pages that the agent's web search knows, small enough to read.

/** One page of the built-in web. */
export interface Page {
  readonly title: string;
  readonly text: string;
}

/** All pages of the built-in web. */
export const CORPUS: readonly Page[] = [
  {
    title: 'Half-open connections',
    text: 'A TCP connection is half-open when one side is gone and the other does not know. Writes succeed until the kernel gives up, so a server believes that a message was delivered which nobody received.',
  },
  {
    title: 'Ping and pong in RFC 6455',
    text: 'A WebSocket endpoint that receives a Ping frame must answer with a Pong frame that carries the same data, and may answer only the latest Ping. Frames of a connection are ordered.',
  },
  {
    title: 'Sleeping tabs',
    text: 'Browsers freeze tabs in the background to save battery. A frozen tab keeps its socket open but runs no code until the user returns.',
  },
  {
    title: 'Error budgets',
    text: 'An objective of 95 percent leaves an error budget of 5 percent. Alerts on the burn rate page early when the budget is spent too fast, and stay quiet about noise.',
  },
  {
    title: 'Redeploys and load balancers',
    text: 'A rolling deploy closes every connection of the old instance. Load balancers cut idle sockets after 30 seconds unless heartbeats keep them busy.',
  },
  {
    title: 'Cumulative acknowledgement',
    text: 'With cumulative acknowledgement one number confirms every message up to it. TCP, XEP-0198 and stateful reconnect in SignalR all count this way.',
  },
  {
    title: 'Prices of cloud regions',
    text: 'Compute and storage prices differ between regions by a third and more. Moving a batch workload to a cheaper region often pays for its egress within a month.',
  },
  {
    title: 'Trace context',
    text: 'The traceparent header carries a trace id and the id of the parent span, so that work in several services becomes one trace.',
  },
];

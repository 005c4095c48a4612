// front: what the listener counts, in one object of fixed shape per process, by integer adds only.

/** Outcomes of HTTP requests and handshakes. Every limit of the front has its own field (D7). */
export interface FrontCounters {
  /** Plain HTTP requests passed on. */
  requests: number;
  /**
   * Plain HTTP requests that ended in a 502 or 504 of ours, or broke after the response had begun.
   */
  requestErrors: number;
  /** Handshakes that ended in a 101. */
  upgraded: number;
  /** Handshakes that the upstream answered with another status than 101, which was passed on. */
  refusedByUpstream: number;
  /** Handshakes that the upstream answered 500 or above: it is there and broken. */
  upstreamErrors: number;
  /** Handshakes that `admit` refused because of `limits.connections`. */
  refusedByLimit: number;
  /** Handshakes that `admit` refused because of `limits.connections_per_user`. */
  refusedByUserLimit: number;
  /** Handshakes that came while the sidecar was stopping. */
  refusedWhileStopping: number;
  /** Handshakes that `admit` refused because memory was short. */
  refusedByMemory: number;
  /** Handshakes whose upstream was down or broke off: 502. */
  upstreamFailed: number;
  /** Handshakes that the upstream did not answer in time: 504. */
  handshakeTimeouts: number;
  /** Handshakes whose client left first. */
  clientGone: number;
  /** Requests with a head over the limit: 431. */
  headersTooLarge: number;
  /** Requests whose head did not arrive in time: 408. */
  requestTimeouts: number;
  /**
   * Bytes that are not HTTP, and requests that RFC 9112 tells a server to refuse: 400, 501 or 505.
   */
  badRequests: number;
  /** Requests whose body did not go on: 408. */
  bodiesStalled: number;
  /** Answers that their client did not take, which ends in a reset. */
  answersStalled: number;
  /** Connections turned away, and dials given up, because descriptors are short: 503. */
  descriptorsShort: number;
  /** Connections that could not be accepted. */
  acceptFailed: number;
  /** Accepted upgrades to another protocol than WebSocket. */
  tunnels: number;
  /** Upgrades to another protocol that are open now. */
  tunnelsOpen: number;
  /**
   * WebSockets whose 101 agrees on extensions that we cannot read, so that messages pass unread.
   */
  unreadable: number;
}

/** Counters that are all zero. */
export function createFrontCounters(): FrontCounters {
  return {
    requests: 0,
    requestErrors: 0,
    upgraded: 0,
    refusedByUpstream: 0,
    upstreamErrors: 0,
    refusedByLimit: 0,
    refusedByUserLimit: 0,
    refusedWhileStopping: 0,
    refusedByMemory: 0,
    upstreamFailed: 0,
    handshakeTimeouts: 0,
    clientGone: 0,
    headersTooLarge: 0,
    requestTimeouts: 0,
    badRequests: 0,
    bodiesStalled: 0,
    answersStalled: 0,
    descriptorsShort: 0,
    acceptFailed: 0,
    tunnels: 0,
    tunnelsOpen: 0,
    unreadable: 0,
  };
}

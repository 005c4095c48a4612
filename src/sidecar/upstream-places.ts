// sidecar: the places of limits.connections: a handshake goes on when it has one, if need be that of an absent client.
import type { IncomingMessage } from 'node:http';
import type { Resumption } from '../connection/resumption.ts';
import type { Admission } from '../front/listener.ts';
import { readOptIn } from '../resume/opt-in.ts';
import type { Ticket } from './admission.ts';

type Admitted = Admission<Ticket> | Promise<Admission<Ticket>>;

export interface PlaceDeps {
  /** The limit is read each time, because a reload changes it. */
  readonly limits: { readonly connections: number };
  readonly resumption: Pick<Resumption, 'rejoins' | 'yieldUpstream'>;
  /** Number of upstream connections whose client is away. */
  away(): number;
  /** Number of upstream connections, also of absent clients, and of handshakes. */
  taken(): number;
}

/** The places of one listener. */
export interface Places {
  /** Whether a place is free. */
  readonly free: boolean;
  /** Finds a place for a request, and asks `identify` whether it is let in. */
  admit(request: IncomingMessage, identify: () => Admitted): Admitted;
}

export function createPlaces({ limits, resumption, away, taken }: PlaceDeps): Places {
  /** `own`: 1 for a handshake that the listener counts while it waits, else 0. */
  const isFree = (own: number): boolean => taken() - own < limits.connections;

  function seat(own: number, admitted: () => Admitted): Admitted {
    if (isFree(own)) return admitted();
    const reason = `too many connections (limits.connections: ${limits.connections})`;
    const full = { refusal: { status: 503, reason } };
    if (away() === 0) return full;
    // A client that is away can do without. Its place is taken when it is free, not before.
    let gone: () => void = () => {};
    const freed = new Promise<void>((resolve) => {
      gone = resolve;
    });
    return resumption.yieldUpstream(gone) ? freed.then(admitted) : full;
  }

  return {
    get free() {
      return isFree(0);
    },
    admit(request, identify) {
      if (isFree(0)) return identify();
      if (readOptIn(request.url ?? '')?.session === undefined) return seat(0, identify);
      // A client that comes back to its own upstream connection needs no place (SPEC R11).
      const known = (admission: Admission<Ticket>, own: number): Admitted => {
        if ('refusal' in admission || resumption.rejoins(request, admission.ticket)) return admission;
        return seat(own, () => admission);
      };
      const admission = identify();
      return admission instanceof Promise ? admission.then((each) => known(each, 1)) : known(admission, 0);
    },
  };
}

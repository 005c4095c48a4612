// What a peer is to the bench: a named proxy that can be started in front of a backend, and what its clients must do to be confirmed.

/** Everything a peer needs to know to start. Ports are on 127.0.0.1. */
export interface PeerSetup {
  readonly listen: number;
  /** Port of the backend, or the path of its socket in the file system. */
  readonly upstream: number | string;
  readonly admin: number;
  /** A folder of its own for configuration files. */
  readonly dir: string;
  readonly deflate: boolean;
  /** Where an OTLP/HTTP receiver listens; 0 = none. */
  readonly otlp: number;
  /** Share of confirmed deliveries whose span is kept. */
  readonly keepConfirmed: number;
  /** Deadline of every delivery, s, with no attempts before it; 0 = the proxy's own default. */
  readonly holdSeconds: number;
  /** Where the proxy keeps what outlives it; undefined = nowhere. */
  readonly store: string | undefined;
  /** Every message is kept for a resend while its delivery is pending. */
  readonly retain: boolean;
  /**
   * Flags for the proxy's runtime, such as `--max-old-space-size=256`; only Node peers know them.
   */
  readonly nodeFlags: readonly string[];
  /** Another build of Ackspan's command; undefined = the one of this tree. */
  readonly main?: string;
}

export interface PeerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Peer {
  readonly name: string;
  /** One line for the report: what it is and how much it sees. */
  readonly about: string;
  /** The program that must be installed, and the Debian package that has it. */
  readonly needs: { readonly program: string; readonly debian: string } | undefined;
  /** `app`: confirmation messages. `barrier`: pongs, which every client sends anyway. */
  readonly confirm: 'app' | 'barrier';
  /** Whether confirmation messages reach the backend, which then has to do the tracking. */
  readonly forwards: boolean;
  /** Whether `/api/v1/stats` on the admin port must agree with the load at the end. */
  readonly tracks: boolean;
  command(setup: PeerSetup): PeerCommand;
}

/** The backend as a URL, or, where it listens in the file system, as `unix:/path`. */
export function upstreamUrl({ upstream }: PeerSetup): string {
  return typeof upstream === 'number' ? `http://127.0.0.1:${upstream}` : `unix:${upstream}`;
}

/**
 * The standard variable that names the OTLP receiver, for programs that export. Empty without one.
 */
export function otlpEnvironment({ otlp }: PeerSetup): Record<string, string> {
  return otlp === 0 ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${otlp}` };
}

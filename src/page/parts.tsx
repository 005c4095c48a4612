// page: small parts that every view uses: badges, ids to copy, ages, and what is shown while there is nothing to show.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { ConnectionJson, DeliveryJson } from '../admin/shapes.ts';
import { bytes, clock, duration, fullTime, spoken } from './format.ts';
import { type Fetched, useNow, useShared } from './hooks.ts';

/** A status in its colour, and in words: colour alone tells nothing to many. */
export function Status({ of }: { of: Pick<DeliveryJson, 'status'> }) {
  return <span class={`badge ${of.status}`}>{of.status}</span>;
}

/** Why it ended, if there is a reason. */
export function reasonOf({ error_type, unverifiable_reason }: DeliveryJson): string | null {
  return error_type ?? unverifiable_reason;
}

export function Priority({ of }: { of: DeliveryJson['priority'] }) {
  return <span class={`priority ${of}`}>{of}</span>;
}

/** How far a connection, or the evidence of a delivery, goes. */
export function Capability({ of }: { of: ConnectionJson['capability'] }) {
  return <span class={`capability ${of}`}>{of === 'none' ? 'answers nothing' : of}</span>;
}

/** A time with its whole date in the title. */
export function Time({ at, withMs = true }: { at: string | null; withMs?: boolean }) {
  if (at === null) return <span class="quiet">–</span>;
  return (
    <time dateTime={at} title={fullTime(at)}>
      {clock(at, withMs)}
    </time>
  );
}

/** How long ago something was, kept up to date. */
export function Ago({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={fullTime(at)}>
      {duration(Math.max(0, now - Date.parse(at))).replace(/(\d) ms$/, '$1 ms')} ago
    </time>
  );
}

/** An id that can be copied. */
export function Id({ value, label, href }: { value: string | null; label: string; href?: string | undefined }) {
  const { say } = useShared();
  const [copied, setCopied] = useState(false);
  if (value === null) return <span class="quiet">–</span>;
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
      say(`${label} copied`);
      setTimeout(() => setCopied(false), 1500);
    } catch {
      // Without TLS and beyond loopback browsers have no clipboard: the id can still be selected.
      say('This browser does not let the page copy here; select the id instead.');
    }
  };
  return (
    <span class="id">
      {href === undefined ? <code>{value}</code> : <a href={href}>{<code>{value}</code>}</a>}
      <button type="button" class="copy" aria-label={`Copy ${label} ${value}`} onClick={() => void copy()}>
        <CopyIcon done={copied} />
      </button>
    </span>
  );
}

/** Drawn, because few fonts have a sign for it. */
function CopyIcon({ done }: { done: boolean }) {
  const path = done ? 'M3 8.5l3.5 3.5L13 4.5' : 'M6 6h7v7H6zM10 6V3H3v7h3';
  return (
    <svg viewBox="0 0 16 16" width="13" height="13" aria-hidden="true">
      <path d={path} fill="none" stroke="currentColor" stroke-width="1.4" stroke-linejoin="round" />
    </svg>
  );
}

/** Says so while something is read for the first time, or cannot be. */
export function Loading({ of, children }: { of: Fetched<unknown>; children?: ComponentChildren }) {
  if (of.data !== undefined) return <>{children}</>;
  return of.error === undefined ? (
    <p class="quiet loading" role="status">
      Reading…
    </p>
  ) : (
    <p class="fault" role="alert">
      {of.error.message}{' '}
      <button type="button" onClick={of.reload}>
        Try again
      </button>
    </p>
  );
}

/** Old data is shown as old. */
export function Stale({ of }: { of: Fetched<unknown> }) {
  if (of.data === undefined || of.error === undefined) return null;
  return (
    <p class="stale" role="status">
      This is as of {clock(new Date(of.at).toISOString(), false)}: {of.error.message}
    </p>
  );
}

/** Name and value pairs. */
export function Facts({ rows }: { rows: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Size({ of }: { of: number | null }) {
  return <span class="number">{bytes(of)}</span>;
}

/** A word of the API with spaces. */
export function Word({ of }: { of: string }) {
  return <>{spoken(of)}</>;
}

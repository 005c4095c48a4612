// page: small parts of every view: badges, ids to copy, ages, and what stands in for data that is not there yet.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { ConnectionJson, DeliveryJson } from '../admin/shapes.ts';
import { clock, fullTime } from './format.ts';
import { type Fetched, useShared } from './hooks.ts';

/** A status in its colour and as a word, because many people cannot tell colours. */
export function Status({ of }: { of: Pick<DeliveryJson, 'status'> }) {
  return <span class={`badge ${of.status}`}>{of.status}</span>;
}

/** The reason for an ending; null = there is none. */
export function reasonOf({ error_type, unverifiable_reason }: DeliveryJson): string | null {
  return error_type ?? unverifiable_reason;
}

export function Priority({ of }: { of: DeliveryJson['priority'] }) {
  return <span class={`priority ${of}`}>{of}</span>;
}

/** The level of evidence of a connection or a delivery. */
export function Capability({ of }: { of: ConnectionJson['capability'] }) {
  return <span class={`capability ${of}`}>{of === 'none' ? 'answers nothing' : of}</span>;
}

/** A time of day, with the whole date as a tooltip. */
export function Time({ at, withMs = true }: { at: string | null; withMs?: boolean }) {
  if (at === null) return <span class="quiet">–</span>;
  return (
    <time dateTime={at} title={fullTime(at)}>
      {clock(at, withMs)}
    </time>
  );
}

/** An id with a button that copies it. */
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
      // Browsers have no clipboard without TLS, except on loopback. The id can still be selected.
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

/** The icon of the copy button, drawn because few fonts have a sign for it. */
function CopyIcon({ done }: { done: boolean }) {
  const path = done ? 'M3 8.5l3.5 3.5L13 4.5' : 'M6 6h7v7H6zM10 6V3H3v7h3';
  return (
    <svg viewBox="0 0 16 16" width="13" height="13" aria-hidden="true">
      <path d={path} fill="none" stroke="currentColor" stroke-width="1.4" stroke-linejoin="round" />
    </svg>
  );
}

/**
 * Shows `children`, or in their place that data is still being read or cannot be read. `title` is
 * the heading of a view whose own heading needs the data.
 */
export function Loading({
  of,
  title,
  children,
}: {
  of: Fetched<unknown>;
  title?: string;
  children?: ComponentChildren;
}) {
  if (of.data !== undefined) return <>{children}</>;
  return (
    <>
      {title !== undefined && <h1 class="unread">{title}</h1>}
      {of.error === undefined ? (
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
      )}
      {title !== undefined && of.error?.status === 404 && (
        <p class="quiet">
          The history is bounded (<code>limits.history</code>) and begins with the process. What is older is in traces
          and logs, and another instance may know it.
        </p>
      )}
    </>
  );
}

/** A note that the data shown is old, because it could not be read again. */
export function Stale({ of }: { of: Fetched<unknown> }) {
  if (of.data === undefined || of.error === undefined) return null;
  return (
    <p class="stale" role="status">
      This is as of {clock(new Date(of.at).toISOString(), false)}: {of.error.message}
    </p>
  );
}

/** A list of names with their values. */
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

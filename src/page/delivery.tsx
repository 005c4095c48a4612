// page: one delivery: how it ended and why, its time line beside its connection's life, its ids, and its actions.
import { useState } from 'preact/hooks';
import type { ConnectionDetailJson, DeliveryDetailJson } from '../admin/shapes.ts';
import { explain } from '../admin-client/explain.ts';
import { Actions } from './actions.tsx';
import { writeCase } from './case-file.ts';
import { saveFile } from './drop.tsx';
import { useFollow } from './follow.ts';
import { bytes, duration, spoken } from './format.ts';
import { useFetched, useLiveEvent, useShared, useTitle } from './hooks.ts';
import { Capability, Facts, Id, Loading, Priority, reasonOf, Stale, Status, Time } from './parts.tsx';
import { Timeline } from './timeline.tsx';
import { traceLink } from './trace-link.ts';
import { writePlace } from './url.ts';

export function DeliveryView({ id }: { id: string }) {
  useTitle(`Delivery ${id}`);
  const fetched = useFetched<DeliveryDetailJson>(`deliveries/${encodeURIComponent(id)}`);
  const { data } = fetched;
  const carrier = useFetched<ConnectionDetailJson>(
    data?.sent_over == null ? undefined : `connections/${encodeURIComponent(data.sent_over.id)}`,
  );
  const own = data?.id;
  useFollow(own === undefined ? undefined : { events: 'step,connection,stats', q: own });
  useLiveEvent('step', ({ delivery }) => {
    if (delivery.id === own) fetched.reload();
  });
  useLiveEvent('connection', ({ connection }) => {
    if (connection.id === data?.sent_over?.id) carrier.reload();
  });
  // What was missed while the tab was hidden may have been its end.
  useLiveEvent('dropped', () => {
    fetched.reload();
    carrier.reload();
  });
  return (
    <article class="delivery">
      <Stale of={fetched} />
      <Loading of={fetched} title={`Delivery ${id}`}>
        {data !== undefined && <DeliveryBody delivery={data} carrier={carrier.data ?? null} changed={fetched.reload} />}
      </Loading>
    </article>
  );
}

/**
 * The body of a delivery's view. Without `changed` it offers no actions, as for a case from a file.
 */
export function DeliveryBody({
  delivery,
  carrier,
  changed,
}: {
  delivery: DeliveryDetailJson;
  carrier: ConnectionDetailJson | null;
  changed?: () => void;
}) {
  const reason = reasonOf(delivery);
  return (
    <>
      <div class="title-row">
        <h1>
          <span class="quiet">Delivery</span> {delivery.type}
        </h1>
        <Status of={delivery} />
        {reason !== null && reason !== delivery.status && <span class="reason">{spoken(reason)}</span>}
        <span class="spring" />
        <Share delivery={delivery} carrier={carrier} />
        {changed !== undefined && <Actions delivery={delivery} changed={changed} />}
      </div>
      <p class="sentence">{sentence(delivery)}</p>
      <Timeline delivery={delivery} life={carrier?.life ?? null} />
      <div class="two">
        <Why delivery={delivery} />
        <Ids delivery={delivery} />
      </div>
      <SameEvent delivery={delivery} />
    </>
  );
}

/** The story of the delivery in one sentence. */
function sentence(delivery: DeliveryDetailJson): string {
  const { status, settled_ms: settled, attempts, level, required } = delivery;
  const tries = attempts > 1 ? `, in ${attempts} attempts` : '';
  const rejected = delivery.rejected_ms === null ? '' : ' Later the application rejected it, which changes no outcome.';
  switch (status) {
    case 'confirmed':
      return `Proven ${level ?? required} ${duration(settled)} after it was sent${tries}.${rejected}`;
    case 'pending':
      return `On its way: no proof of the level “${required}” yet.`;
    case 'retrying':
      return `Not proven yet; ${attempts} attempts so far.`;
    case 'timeout':
      return `No proof of the level “${required}” within ${duration(settled)}${tries}.`;
    case 'failed':
      if (delivery.error_type === 'rejected')
        return `The application rejected it ${duration(settled)} after it was sent${tries}.`;
      return `Ended ${duration(settled)} after it was sent, without proof of the level “${required}”${tries}.`;
    case 'unverifiable':
      return `Nobody can say whether it arrived: it ended ${duration(settled)} after it was sent, without evidence for or against.`;
  }
}

/** The best evidence that came. A rejection shows that the application had the event. */
function evidenceWord({ level, error_type }: DeliveryDetailJson): string {
  return level ?? (error_type === 'rejected' ? 'rejected by the application' : 'none');
}

/** A sentence in which what stands between backticks is code. */
function WithCode({ text }: { text: string }) {
  return <>{text.split('`').map((part, i) => (i % 2 === 0 ? part : <code key={part}>{part}</code>))}</>;
}

function Why({ delivery }: { delivery: DeliveryDetailJson }) {
  const { title, means, todo, evidence } = explain({
    delivery,
    alike: undefined,
    sightings: undefined,
    turnedAway: [],
  });
  return (
    <section class="card" aria-labelledby="why">
      <h2 id="why">What this usually means</h2>
      {delivery.error_text !== null && (
        <p class="error-text">
          The application said: <q>{delivery.error_text}</q>
        </p>
      )}
      <p>
        <strong>{`${title.charAt(0).toUpperCase()}${title.slice(1)}`}</strong>
      </p>
      <p>
        <WithCode text={means} />
      </p>
      {todo.length > 0 && (
        <>
          <h3>What to do</h3>
          <ul class="todo">
            {todo.map((each) => (
              <li key={each}>
                <WithCode text={each} />
              </li>
            ))}
          </ul>
        </>
      )}
      <h3>Evidence</h3>
      <ul class="todo">
        {evidence.map((each) => (
          <li key={each}>{each}</li>
        ))}
      </ul>
    </section>
  );
}

function Ids({ delivery }: { delivery: DeliveryDetailJson }) {
  const { about } = useShared();
  const { user, session, run, sent_over: over, connection, trace_id: trace } = delivery;
  const carrier = over?.id ?? connection;
  return (
    <section class="card" aria-labelledby="ids">
      <h2 id="ids">Facts</h2>
      <Facts
        rows={[
          ['Delivery', <Id key="d" label="delivery id" value={delivery.id} />],
          ['Event', <Id key="e" label="event id" value={delivery.event_id} />],
          [
            'User',
            <Id
              key="u"
              label="user"
              value={user}
              href={user === null ? undefined : writePlace(['deliveries'], { user })}
            />,
          ],
          ['Session', <Id key="s" label="session id" value={session} href={writePlace(['deliveries'], { session })} />],
          [
            'Connection',
            <Id
              key="c"
              label="connection id"
              value={carrier}
              href={carrier === null ? undefined : writePlace(['connections', carrier])}
            />,
          ],
          [
            'Run',
            <Id
              key="r"
              label="run id"
              value={run}
              href={run === null ? undefined : writePlace(['deliveries'], { q: run })}
            />,
          ],
          ['Tool', delivery.tool ?? '–'],
          ['Tool call', <Id key="t" label="tool call id" value={delivery.tool_call} />],
          ['Trace', <Trace key="tr" id={trace} url={about.trace_url} />],
          ['Priority', <Priority key="p" of={delivery.priority} />],
          ['Sent', <Time key="at" at={delivery.sent_at} />],
          ['Deadline', <Time key="dl" at={delivery.deadline_at} />],
          [
            'Message',
            `number ${delivery.ordinal} of its session, ${bytes(delivery.bytes)}${delivery.kept ? ', kept' : ''}`,
          ],
          ['Evidence', `${evidenceWord(delivery)}; ${delivery.required} was required`],
          ...(over === null ? [] : [['Its connection', <Capability key="cap" of={over.capability} />] as const]),
        ]}
      />
    </section>
  );
}

/**
 * The trace id. It is a link where the operator has configured one, and only to an http(s) address.
 */
function Trace({ id, url }: { id: string | null; url: string | null }) {
  if (id === null) return <span class="quiet">no span was kept</span>;
  const link = traceLink(url, id);
  return (
    <>
      <Id label="trace id" value={id} />
      {link !== undefined && (
        <a class="external" href={link} target="_blank" rel="noreferrer noopener">
          Open the trace ↗
        </a>
      )}
    </>
  );
}

function Share({ delivery, carrier }: { delivery: DeliveryDetailJson; carrier: ConnectionDetailJson | null }) {
  const { about } = useShared();
  const [done, setDone] = useState(false);
  return (
    <button
      type="button"
      title="One file with everything known of it, which the page of any other machine opens"
      onClick={() => {
        saveFile(
          `ackspan-${delivery.id}.json`,
          writeCase(about, { delivery, connection: carrier, messages: [] }, false),
        );
        setDone(true);
      }}
    >
      {done ? 'Saved' : 'Share this case'}
    </button>
  );
}

function SameEvent({ delivery }: { delivery: DeliveryDetailJson }) {
  const { count: others, deliveries } = delivery.same_event;
  if (others === 0) return null;
  return (
    <section class="card" aria-labelledby="same">
      <h2 id="same">
        The same event <span class="quiet">{others} more</span>
      </h2>
      <ul class="same">
        {deliveries.map((each) => (
          <li key={each.id}>
            <a href={writePlace(['deliveries', each.id])}>
              <Time at={each.sent_at} />
            </a>{' '}
            <Status of={each} /> to {each.user ?? each.session}
          </li>
        ))}
      </ul>
    </section>
  );
}

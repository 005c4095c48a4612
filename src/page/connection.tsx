// page: one connection: its life, its deliveries, and its messages, which can be searched, saved as HAR and shared.
import { useEffect, useState } from 'preact/hooks';
import type { ConnectionDetailJson, MessageJson, MessagePageJson } from '../admin/shapes.ts';
import { ApiError, read } from './api.ts';
import { writeCase } from './case-file.ts';
import { State, userOf } from './connections.tsx';
import { saveFile } from './drop.tsx';
import { count } from './format.ts';
import { writeHar } from './har.ts';
import { useFetched, useLiveEvent, useShared, useTitle } from './hooks.ts';
import { MessageList } from './messages.tsx';
import { Capability, Facts, Id, Loading, Stale, Time } from './parts.tsx';
import { writePlace } from './url.ts';

/** Messages of one request, and of all requests together. */
const PAGE = 5_000;
const MOST = 100_000;

export function ConnectionView({ id, params }: { id: string; params: Readonly<Record<string, string>> }) {
  useTitle(`Connection ${id}`);
  const fetched = useFetched<ConnectionDetailJson>(`connections/${encodeURIComponent(id)}`, {}, 5000);
  useLiveEvent('connection', ({ connection }) => {
    if (connection.id === id) fetched.reload();
  });
  const { messages, forgotten, fault, reload, reading } = useMessages(id);
  return (
    <article>
      <Stale of={fetched} />
      <Loading of={fetched} title={`Connection ${id}`}>
        {fetched.data !== undefined && (
          <>
            <ConnectionHead connection={fetched.data} messages={messages} />
            <section class="card" aria-labelledby="messages">
              <div class="card-head">
                <h2 id="messages">
                  Messages <span class="quiet">{count(messages.length)}</span>
                </h2>
                <button type="button" onClick={reload} disabled={reading}>
                  {reading ? 'Reading…' : 'Read again'}
                </button>
              </div>
              {forgotten > 0 && (
                <p class="quiet">
                  {count(forgotten)} older ones had to make room (admin.messages bounds what is remembered).
                </p>
              )}
              {fault === '' ? <MessageList messages={messages} params={params} /> : <p class="fault">{fault}</p>}
            </section>
          </>
        )}
      </Loading>
    </article>
  );
}

/** Reads all messages of a connection that are remembered, page by page, newest first. */
function useMessages(id: string) {
  const [messages, setMessages] = useState<readonly MessageJson[]>([]);
  const [forgotten, setForgotten] = useState(0);
  const [fault, setFault] = useState('');
  const [reading, setReading] = useState(true);
  const [turn, setTurn] = useState(0);
  // `turn` grows when the messages are to be read again.
  useEffect(() => {
    const stop = new AbortController();
    const load = async (): Promise<void> => {
      setReading(true);
      const all: MessageJson[] = [];
      let cursor: string | undefined;
      do {
        const search = { limit: PAGE, cursor };
        const page = await read<MessagePageJson>(`connections/${encodeURIComponent(id)}/messages`, search, stop.signal);
        all.push(...page.messages);
        cursor = page.next_cursor ?? undefined;
        setForgotten(page.forgotten);
        setMessages([...all]);
      } while (cursor !== undefined && all.length < MOST);
      setReading(false);
    };
    load().catch((problem: unknown) => {
      if (stop.signal.aborted) return;
      setFault(problem instanceof ApiError ? problem.message : 'The messages cannot be read.');
      setReading(false);
    });
    return () => stop.abort();
  }, [id, turn]);
  return { messages, forgotten, fault, reading, reload: () => setTurn((before) => before + 1) };
}

/** The head of a connection's view. `messages` are newest first. */
export function ConnectionHead({
  connection,
  messages,
}: {
  connection: ConnectionDetailJson;
  messages: readonly MessageJson[];
}) {
  const { about } = useShared();
  const { id, session, user, deliveries } = connection;
  const lost = deliveries.failed + deliveries.timeout;
  return (
    <>
      <div class="title-row">
        <h1>
          <span class="quiet">Connection</span> {id}
        </h1>
        <State of={connection} />
        <span class="spring" />
        <button
          type="button"
          title="HAR 1.2 with WebSocket messages: opens in Chrome's network panel"
          onClick={() => saveFile(`ackspan-${id}.har`, writeHar(connection, [...messages].reverse(), about.version))}
        >
          Save as HAR
        </button>
        <ShareConnection connection={connection} messages={messages} />
      </div>
      <section class="card" aria-labelledby="facts">
        <h2 id="facts">Facts</h2>
        <Facts
          rows={[
            ['Connection', <Id key="c" label="connection id" value={id} />],
            [
              'Session',
              <Id key="s" label="session id" value={session} href={writePlace(['deliveries'], { session })} />,
            ],
            [
              'User',
              user === null ? (
                userOf(connection)
              ) : (
                <Id key="u" label="user" value={user} href={writePlace(['deliveries'], { user })} />
              ),
            ],
            ['Can prove', <Capability key="cap" of={connection.capability} />],
            ['Opened', <Time key="o" at={connection.opened_at} />],
            ['Closed', <Time key="cl" at={connection.closed_at} />],
            ['From', <code key="r">{connection.remote}</code>],
            ['Path', <code key="p">{connection.path}</code>],
            [
              'Deliveries',
              <a key="d" href={writePlace(['deliveries'], { connection: id })}>
                {count(deliveries.confirmed)} confirmed, {count(lost)} lost, {count(deliveries.unverifiable)}{' '}
                unverifiable, {count(deliveries.pending + deliveries.retrying)} in flight
              </a>,
            ],
          ]}
        />
      </section>
    </>
  );
}

function ShareConnection({
  connection,
  messages,
}: {
  connection: ConnectionDetailJson;
  messages: readonly MessageJson[];
}) {
  const { about } = useShared();
  const [payloads, setPayloads] = useState(false);
  const has = messages.some(({ payload }) => payload !== null);
  return (
    <span class="actions">
      <button
        type="button"
        onClick={() =>
          saveFile(
            `ackspan-${connection.id}.json`,
            writeCase(about, { delivery: null, connection, messages }, payloads),
          )
        }
      >
        Share this case
      </button>
      {has && (
        <label class="check">
          <input type="checkbox" checked={payloads} onChange={(event) => setPayloads(event.currentTarget.checked)} />{' '}
          with payloads
        </label>
      )}
    </span>
  );
}

// page: a list of messages that draws only what can be seen, so that a hundred thousand scroll like twenty.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { MessageJson } from '../admin/shapes.ts';
import { bytes, clock, count, fullTime, spoken } from './format.ts';
import { patchPlace } from './hooks.ts';
import { memo } from './memo.ts';
import { createMessageColumns, type MessageColumns, type MessageWish } from './message-columns.ts';
import { writePlace } from './url.ts';

type Params = Readonly<Record<string, string>>;

/** Height of a row in px, as in tables.css. */
const ROW = 30;
const HEIGHT = 480;
/** Rows that are drawn above and below the visible ones. */
const AROUND = 10;

export function MessageList({ messages, params }: { messages: readonly MessageJson[]; params: Params }) {
  const columns = useMemo(() => createMessageColumns(messages), [messages]);
  const wish: MessageWish = {
    direction: params.direction,
    kind: params.kind,
    status: params.status,
    text: params.find,
  };
  const key = JSON.stringify(wish);
  // `key` stands for `wish`, which is a new object at each draw.
  const found = useMemo(() => columns.filter(wish), [columns, key]);
  const [chosen, setChosen] = useState<number>();
  const types = useMemo(() => columns.types().slice(0, 100), [columns]);
  const shown = chosen === undefined ? undefined : messages.find(({ seq }) => seq === chosen);
  return (
    <>
      <form class="filters" aria-label="Filter messages" onSubmit={(event) => event.preventDefault()}>
        <label>
          <span>Find</span>
          <input
            type="search"
            list="message-types"
            value={params.find ?? ''}
            placeholder="type, delivery or payload"
            onInput={(event) => patchPlace({ find: event.currentTarget.value }, true)}
          />
          <datalist id="message-types">
            {types.map((type) => (
              <option key={type} value={type} />
            ))}
          </datalist>
        </label>
        <Choice
          name="direction"
          label="Direction"
          words={{ to_client: 'to the client', to_upstream: 'to the backend' }}
          params={params}
        />
        <Choice name="kind" label="Kind" words={{ text: 'text', binary: 'binary' }} params={params} />
        <Choice
          name="status"
          label="Outcome"
          words={{
            pending: 'pending',
            retrying: 'retrying',
            confirmed: 'confirmed',
            failed: 'failed',
            timeout: 'timeout',
            unverifiable: 'unverifiable',
          }}
          params={params}
        />
        <span class="quiet" role="status">
          {count(found.length)} of {count(columns.size)}
        </span>
      </form>
      <Window columns={columns} found={found} chosen={chosen} choose={setChosen} />
      {shown !== undefined && <Payload message={shown} />}
    </>
  );
}

function Choice({
  name,
  label,
  words,
  params,
}: {
  name: string;
  label: string;
  words: Readonly<Record<string, string>>;
  params: Params;
}) {
  return (
    <label>
      <span>{label}</span>
      <select value={params[name] ?? ''} onChange={(event) => patchPlace({ [name]: event.currentTarget.value }, true)}>
        <option value="">any</option>
        {Object.entries(words).map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

interface WindowProps {
  readonly columns: MessageColumns;
  readonly found: Uint32Array;
  readonly chosen: number | undefined;
  readonly choose: (seq: number) => void;
}

function Window({ columns, found, chosen, choose }: WindowProps) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  // A new result is shown from its top.
  useEffect(() => {
    if (box.current !== null) box.current.scrollTop = 0;
    setTop(0);
  }, [found]);
  if (found.length === 0) return <p class="empty">No message matches.</p>;
  const first = Math.max(0, Math.floor(top / ROW) - AROUND);
  const last = Math.min(found.length, Math.ceil((top + HEIGHT) / ROW) + AROUND);
  const rows = Array.from(found.subarray(first, last), (position) => columns.at(position));
  return (
    <section
      class="messages"
      aria-label="Messages, newest first"
      ref={box}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
      tabIndex={0}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
    >
      <table aria-rowcount={found.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col">
              <span class="visually-hidden">Direction</span>
            </th>
            <th scope="col">Time</th>
            <th scope="col">Type</th>
            <th scope="col" class="number">
              Size
            </th>
            <th scope="col">Outcome</th>
            <th scope="col">Delivery</th>
          </tr>
        </thead>
        <tbody>
          <Gap rows={first} />
          {rows.map((message, i) => (
            <Row
              key={message.seq}
              message={message}
              index={first + i + 2}
              isChosen={message.seq === chosen}
              choose={choose}
            />
          ))}
          <Gap rows={found.length - last} />
        </tbody>
      </table>
    </section>
  );
}

/** Empty space in place of rows that are not drawn. */
function Gap({ rows }: { rows: number }) {
  return rows > 0 ? (
    <tr class="gap">
      <td colSpan={6} style={{ height: `${rows * ROW}px` }} />
    </tr>
  ) : null;
}

interface RowProps {
  readonly message: MessageJson;
  readonly index: number;
  readonly isChosen: boolean;
  readonly choose: (seq: number) => void;
}

const Row = memo(({ message, index, isChosen, choose }: RowProps) => {
  const { direction, type, kind, consumed, delivery, status, reason } = message;
  const toClient = direction === 'to_client';
  const name = type ?? (consumed ? 'confirmation' : kind === 'binary' ? 'binary' : toClient ? 'not read' : 'message');
  return (
    <tr aria-rowindex={index} class={isChosen ? 'chosen' : ''}>
      <td class={`arrow ${direction}`}>
        <span aria-hidden="true">{toClient ? '↓' : '↑'}</span>
        <span class="visually-hidden">{toClient ? 'to the client' : 'to the backend'}</span>
      </td>
      <td class="message-time" title={fullTime(message.at)}>
        {clock(message.at)}
      </td>
      <td class="cut message-type">
        <button type="button" class="link" aria-expanded={isChosen} onClick={() => choose(message.seq)}>
          {name}
        </button>
      </td>
      <td class="number">{bytes(message.bytes)}</td>
      <td class="message-outcome">
        {status !== null && <span class={`badge ${status}`}>{status}</span>}
        {reason !== null && reason !== status && <span class="reason">{spoken(reason)}</span>}
        {consumed && <span class="quiet">kept by the sidecar</span>}
      </td>
      <td class="message-delivery">
        {delivery !== null && <a href={writePlace(['deliveries', delivery])}>{delivery}</a>}
      </td>
    </tr>
  );
});

function Payload({ message }: { message: MessageJson }) {
  const { payload, cut, kind } = message;
  return (
    <section class="payload" aria-label="Payload">
      <h3>Payload</h3>
      {payload === null ? (
        <p class="quiet">
          Not kept. <code>admin.payloads: true</code> keeps payloads of messages that can be read, with secret members
          taken out.
        </p>
      ) : (
        <pre>{kind === 'text' ? pretty(payload) : payload.slice(0, SHOWN)}</pre>
      )}
      {payload !== null && payload.length > SHOWN && (
        <p class="quiet">
          The first {count(SHOWN)} characters of {count(payload.length)}.
        </p>
      )}
      {cut && <p class="quiet">Only its beginning is kept.</p>}
    </section>
  );
}

/** Characters of a payload that are shown: one from a file can be as long as the file. */
const SHOWN = 200_000;

function pretty(text: string): string {
  if (text.length > SHOWN) return text.slice(0, SHOWN);
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // The payload is no JSON, or was cut, and is shown as it came.
    return text;
  }
}

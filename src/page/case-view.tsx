// page: a case or HAR file as it was when it was saved. Nothing can be changed, and the server is asked nothing.
import type { MessageJson } from '../admin/shapes.ts';
import { ConnectionHead } from './connection.tsx';
import { DeliveryBody } from './delivery.tsx';
import { type HarSocket, OpenButton, useOpened } from './drop.tsx';
import { count, fullTime } from './format.ts';
import { unkept } from './har.ts';
import { usePlace, useTitle } from './hooks.ts';
import { MessageList } from './messages.tsx';

export function CaseView() {
  const opened = useOpened();
  const { params } = usePlace();
  useTitle(opened === undefined ? 'A case' : opened.name);
  if (opened === undefined)
    return (
      <section class="opening">
        <h1>A case</h1>
        <p>
          Drop a case (saved with <em>Share this case</em>) or a HAR file with WebSocket messages anywhere on this page.
          It is read in this browser and sent nowhere.
        </p>
        <OpenButton />
      </section>
    );
  return (
    <article class="case">
      <p class="from-file" role="status">
        <span>
          From the file <strong>{opened.name}</strong>
          {opened.kind === 'case' && (
            <>
              , saved {fullTime(opened.file.made_at)} from {opened.file.service} {opened.file.version}
            </>
          )}
          . This is how things stood then.
        </span>{' '}
        <OpenButton />
      </p>
      {opened.kind === 'case' ? (
        <>
          {opened.file.delivery !== null && (
            <DeliveryBody delivery={opened.file.delivery} carrier={opened.file.connection} />
          )}
          {opened.file.delivery === null && opened.file.connection !== null && (
            <ConnectionHead connection={opened.file.connection} messages={opened.file.messages} />
          )}
          {opened.file.messages.length > 0 && (
            <section class="card" aria-labelledby="messages">
              <h2 id="messages">Messages</h2>
              <MessageList messages={opened.file.messages} params={params} />
            </section>
          )}
        </>
      ) : (
        opened.sockets.map((socket, i) => (
          <section class="card" key={`${i} ${socket.url}`}>
            <h1 class="cut">{socket.url}</h1>
            <p class="quiet">{count(socket.messages.length)} messages</p>
            <MessageList messages={fromHar(socket)} params={params} />
          </section>
        ))
      )}
    </article>
  );
}

const cache = new WeakMap<HarSocket, readonly MessageJson[]>();

/** HAR messages in the shape of the list, newest first. */
function fromHar(socket: HarSocket): readonly MessageJson[] {
  const known = cache.get(socket);
  if (known !== undefined) return known;
  const rows = socket.messages.map(
    ({ type, time, opcode, data }, i): MessageJson => ({
      seq: i + 1,
      direction: type === 'receive' ? 'to_client' : 'to_upstream',
      kind: opcode === 2 ? 'binary' : 'text',
      type: typeIn(data),
      bytes: opcode === 2 ? Math.floor((data.length * 3) / 4) : new TextEncoder().encode(data).length,
      at: new Date(time * 1000).toISOString(),
      ordinal: null,
      consumed: false,
      delivery: null,
      status: null,
      reason: null,
      payload: data,
      cut: false,
      // Our own files say what is known of a message without its payload, which is no payload.
      ...unkept(data),
    }),
  );
  rows.reverse();
  cache.set(socket, rows);
  return rows;
}

/** The event type in a message, by the two most usual names of that member. */
function typeIn(data: string): string | null {
  const found = /^\s*\{[^{}]{0,400}?"(?:type|event)"\s*:\s*"([^"\\]{1,100})"/.exec(data);
  return found?.[1] ?? null;
}

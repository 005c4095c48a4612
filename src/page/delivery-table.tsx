// page: deliveries as rows; on a narrow screen each row becomes a small card.

import type { DeliveryJson } from '../admin/shapes.ts';
import { duration, spoken } from './format.ts';
import { memo } from './memo.ts';
import { Priority, reasonOf, Status, Time } from './parts.tsx';
import { writePlace } from './url.ts';

export function DeliveryTable({ rows, loading }: { rows: readonly DeliveryJson[]; loading: boolean }) {
  if (rows.length === 0)
    return (
      <p class="empty" role="status">
        {loading ? 'Reading…' : 'No delivery matches. As soon as one does, it appears here.'}
      </p>
    );
  return (
    <table class="rows deliveries">
      <caption class="visually-hidden">Deliveries, newest first</caption>
      <thead>
        <tr>
          <th scope="col">Sent</th>
          <th scope="col">Status</th>
          <th scope="col">Type</th>
          <th scope="col">User</th>
          <th scope="col">Priority</th>
          <th scope="col" class="number">
            Took
          </th>
          <th scope="col" class="number">
            Attempts
          </th>
          <th scope="col">Event</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((delivery) => (
          <Row key={delivery.id} delivery={delivery} />
        ))}
      </tbody>
    </table>
  );
}

const Row = memo(({ delivery }: { delivery: DeliveryJson }) => {
  const reason = reasonOf(delivery);
  return (
    <tr data-row class={delivery.status}>
      <td class="sent">
        <a class="row-link" href={writePlace(['deliveries', delivery.id])}>
          <Time at={delivery.sent_at} />
          <span class="visually-hidden">
            {' '}
            delivery {delivery.id}, {delivery.type}
          </span>
        </a>
      </td>
      <td class="status">
        <Status of={delivery} />
        {reason !== null && reason !== delivery.status && <span class="reason">{spoken(reason)}</span>}
      </td>
      <td class="type cut">{delivery.type}</td>
      <td class="user cut">
        {delivery.user === null ? (
          <span class="quiet">–</span>
        ) : (
          <a href={writePlace(['deliveries'], { user: delivery.user })}>{delivery.user}</a>
        )}
      </td>
      <td class="prio">
        <Priority of={delivery.priority} />
      </td>
      <td class="took number">
        {delivery.settled_ms === null ? <span class="quiet">…</span> : duration(delivery.settled_ms)}
      </td>
      <td class={delivery.attempts > 1 ? 'tries number warn-text' : 'tries number quiet'}>{delivery.attempts}</td>
      <td class="event cut">
        <code>{delivery.event_id ?? delivery.id}</code>
      </td>
    </tr>
  );
});

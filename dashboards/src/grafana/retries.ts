// "What do retries cost?": what was sent beside the events themselves, what came of it, and what is kept for it.
import { M } from '../series.ts';
import type { DashboardSpec, Row } from './panel.ts';
import { ofInstance, sumRate } from './select.ts';

const AFTER_THE_SEND = ofInstance(M.attempts, 'kind!="send"');

const ATTEMPTS: Row = {
  title: 'What is tried again?',
  panels: [
    {
      kind: 'timeseries',
      title: 'Attempts per 100 deliveries, by kind',
      description:
        'How much is sent beside the events themselves. probe is one small ping; resend and replay are the whole event again; reemit is work for the backend. A step up without a step in losses: a deadline or a schedule that is too eager.',
      span: 12,
      unit: 'suffix: %',
      min: 0,
      queries: [
        {
          expr: `100 * ${sumRate(AFTER_THE_SEND, 'kind')} / ignoring(kind) group_left ${sumRate(ofInstance(M.tracked))}`,
          legend: '{{kind}}',
        },
      ],
      runbook: 'late-confirmations.md',
    },
    {
      kind: 'timeseries',
      title: 'Attempts after the send, by kind',
      description:
        'probe = a new barrier ping; resend and replay = the event again, to clients that drop duplicates; reemit = the backend was asked. Rising probes come before time-outs. blocked = the client does not read.',
      span: 12,
      unit: 'suffix:/s',
      min: 0,
      queries: [{ expr: sumRate(AFTER_THE_SEND, 'kind, result'), legend: '{{kind}} {{result}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Confirmations that changed nothing',
      description:
        'late = after the deadline (is it too short?); duplicate = harmless; unknown = an id that was never sent; foreign = somebody confirms other people’s events: a bug or an attack. All but duplicate should be near zero.',
      span: 12,
      unit: 'suffix:/s',
      min: 0,
      queries: [{ expr: sumRate(ofInstance(M.unmatched), 'reason'), legend: '{{reason}}' }],
      runbook: 'late-confirmations.md',
    },
    {
      kind: 'timeseries',
      title: 'Barrier pings and their pongs',
      description:
        'What proving costs on the wire: a ping of a few bytes each, and its pong. They should lie together; a gap is clients that do not answer.',
      span: 12,
      unit: 'suffix:/s',
      min: 0,
      queries: [
        { expr: sumRate(ofInstance(M.added, 'kind="barrier"')), legend: 'pings' },
        { expr: sumRate(ofInstance(M.consumed, 'kind="pong"')), legend: 'pongs' },
      ],
      runbook: 'unverifiable-share.md',
    },
  ],
};

const KEPT: Row = {
  title: 'What is kept, and who is asked?',
  panels: [
    {
      kind: 'timeseries',
      title: 'Payload bytes kept for a replay (the ten most)',
      description:
        'Bounded by limits.retained_bytes. At the limit, LOW priority is dropped first and cannot be replayed.',
      span: 8,
      unit: 'bytes',
      min: 0,
      queries: [{ expr: `topk(10, sum by (instance) (${ofInstance(M.retained)}))`, legend: '{{instance}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Resumed sessions by result',
      description:
        'fresh = a new session; recovered and rejoined = it goes on; unknown, expired, forged, foreign, stale = asked for and not given. Many expired: sessions.ttl is shorter than the outages of these clients.',
      span: 8,
      unit: 'suffix:/s',
      min: 0,
      queries: [{ expr: sumRate(ofInstance(M.resume), 'result'), legend: '{{result}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Notices to the backend by result',
      description: 'Hooks on failed, timed-out and re-emitted deliveries. Failures here never touch the relay.',
      span: 8,
      unit: 'suffix:/s',
      min: 0,
      queries: [{ expr: sumRate(ofInstance(M.hooks), 'kind, result'), legend: '{{kind}} {{result}}' }],
    },
  ],
};

/** The price of trying again. */
export const RETRIES: DashboardSpec = {
  uid: 'ackspan-retries',
  title: 'Ackspan: what do retries cost?',
  description:
    'Attempts after the send against deliveries, the pings and pongs of proving, messages kept for replays, resumed sessions, notices to the backend.',
  filters: [{ name: 'instance', label: 'Instance', metric: M.uptime }],
  rows: [ATTEMPTS, KEPT],
};

// page: where the steps of a delivery and of its connection stand on one line of time. Pure.
import type { ConnectionStepJson, DeliveryDetailJson, StepJson } from '../admin/shapes.ts';

export interface Mark {
  readonly step: StepJson;
  /** Number of the step in the picture and in the list, from 1. */
  readonly number: number;
  /** Place on the line, 0 to 1. */
  readonly at: number;
  /** Time since the step before, ms; null for the first. */
  readonly delay: number | null;
}

export interface LifeMark {
  readonly step: ConnectionStepJson;
  readonly at: number;
  /** Time since the send, ms; below 0 = before the send. */
  readonly after: number;
}

export interface Scale {
  readonly marks: readonly Mark[];
  /** Place of the deadline; undefined = the line ends before the deadline. */
  readonly deadline: number | undefined;
  /** Steps of the connection that are on the line. */
  readonly life: readonly LifeMark[];
  readonly bar: { readonly from: number; readonly to: number } | undefined;
  readonly ticks: readonly { readonly at: number; readonly ms: number }[];
}

/** Length of the line, as a multiple of the time to the last step. */
const MARGIN = 1.12;
const LEAST_MS = 1;

/**
 * Lays out the steps of a delivery. `now`, ms since the epoch, ends the line of a delivery that is
 * still open.
 */
export function layOut(delivery: DeliveryDetailJson, life: readonly ConnectionStepJson[] | null, now: number): Scale {
  const sent = Date.parse(delivery.sent_at);
  const { timeline, status } = delivery;
  const open = status === 'pending' || status === 'retrying';
  const deadlineMs = Date.parse(delivery.deadline_at) - sent;
  const last = Math.max(LEAST_MS, ...timeline.map(({ after_ms: ms }) => ms));
  // The reader of an open or timed-out delivery wants to see the deadline. The reader of a
  // confirmed one wants to see what took how long.
  const end = open || status === 'timeout' ? Math.max(last, deadlineMs, open ? now - sent : 0) * 1.04 : last * MARGIN;
  const place = (ms: number): number => Math.min(1, Math.max(0, ms / end));
  const marks = timeline.map((step, i) => {
    const before = timeline[i - 1];
    return {
      step,
      number: i + 1,
      at: place(step.after_ms),
      delay: before === undefined ? null : step.after_ms - before.after_ms,
    };
  });
  const lifeMarks = (life ?? []).map((step) => {
    const after = Date.parse(step.at) - sent;
    return { step, at: place(after), after };
  });
  const closed = lifeMarks.find(({ step }) => step.step === 'closed');
  const opened = lifeMarks.find(({ step }) => step.step === 'opened');
  return {
    marks,
    deadline: deadlineMs <= end ? place(deadlineMs) : undefined,
    life: lifeMarks.filter(({ after }) => after >= 0 && after <= end),
    bar: opened === undefined ? undefined : { from: opened.at, to: closed?.at ?? 1 },
    ticks: ticksTo(end).map((ms) => ({ at: place(ms), ms })),
  };
}

/** About five round times in ms, from 0 to `end`. */
export function ticksTo(end: number): number[] {
  const rough = end / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough) ?? rough;
  const last = Math.floor((end * 0.97) / step);
  return Array.from({ length: Math.min(11, last + 1) }, (_, i) => Number((i * step).toPrecision(6)));
}

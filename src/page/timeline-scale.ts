// page: where the steps of a delivery and of its connection stand on one line of time. Pure.
import type { ConnectionStepJson, DeliveryDetailJson, StepJson } from '../admin/shapes.ts';

export interface Mark {
  readonly step: StepJson;
  /** From 1: the same in the picture and in the list. */
  readonly number: number;
  /** 0 to 1. */
  readonly at: number;
  /** ms since the step before; null for the first. */
  readonly delay: number | null;
}

export interface LifeMark {
  readonly step: ConnectionStepJson;
  readonly at: number;
  /** ms after the send; below 0 = before it. */
  readonly after: number;
}

export interface Scale {
  readonly marks: readonly Mark[];
  /** The deadline, if it lies on the line. */
  readonly deadline: number | undefined;
  /** The connection: what is on the line, and where its bar begins and ends. */
  readonly life: readonly LifeMark[];
  readonly bar: { readonly from: number; readonly to: number } | undefined;
  readonly ticks: readonly { readonly at: number; readonly ms: number }[];
}

/** Room behind the last step. */
const MARGIN = 1.12;
const LEAST_MS = 1;

/** Lays everything out. `now` is ms since the epoch; it ends the line of a delivery that is still open. */
export function layOut(delivery: DeliveryDetailJson, life: readonly ConnectionStepJson[] | null, now: number): Scale {
  const sent = Date.parse(delivery.sent_at);
  const { timeline, status } = delivery;
  const open = status === 'pending' || status === 'retrying';
  const deadlineMs = Date.parse(delivery.deadline_at) - sent;
  const last = Math.max(LEAST_MS, ...timeline.map(({ after_ms: ms }) => ms));
  // A reader of an open or timed-out delivery asks how far the deadline is; of a confirmed one, what took how long.
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

/** About five round numbers of ms. */
export function ticksTo(end: number): number[] {
  const rough = end / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough) ?? rough;
  const last = Math.floor((end * 0.97) / step);
  return Array.from({ length: Math.min(11, last + 1) }, (_, i) => Number((i * step).toPrecision(6)));
}

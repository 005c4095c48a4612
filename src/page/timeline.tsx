// page: a delivery's time line: a picture to scale with its connection's life, and a list of the same steps.
import type { ConnectionStepJson, DeliveryDetailJson, StepJson } from '../admin/shapes.ts';
import { duration, spoken } from './format.ts';
import { useNow } from './hooks.ts';
import { Time } from './parts.tsx';
import { type LifeMark, layOut, type Mark, type Scale } from './timeline-scale.ts';

const STEP_WORDS: Readonly<Record<StepJson['step'], string>> = {
  send: 'sent',
  probe: 'probe: a new ping',
  resend: 'sent again',
  replay: 'sent again after a reconnect',
  reemit: 'asked the backend to emit it again',
  received: 'received',
  confirmed: 'confirmed',
  failed: 'failed',
  timeout: 'timed out',
  unverifiable: 'unverifiable',
  late: 'evidence came, too late to count',
  upgrade: 'the application said that it handled it',
  rejected: 'the application rejected it, too late to count',
};

/** The colour of a step. */
function toneOf({ step, result }: StepJson): string {
  if (step === 'confirmed' || step === 'received' || step === 'upgrade') return 'good';
  if (step === 'failed' || step === 'timeout' || step === 'rejected') return 'bad';
  if (step === 'unverifiable' || step === 'late') return 'unsure';
  if (step === 'send') return 'info';
  return result === 'sent' ? 'warn' : 'bad';
}

export function Timeline({
  delivery,
  life,
}: {
  delivery: DeliveryDetailJson;
  life: readonly ConnectionStepJson[] | null;
}) {
  const open = delivery.status === 'pending' || delivery.status === 'retrying';
  const now = useNow(open ? 500 : 60_000);
  const scale = layOut(delivery, life, now);
  return (
    <section class="card timeline" aria-labelledby="timeline">
      <h2 id="timeline">Time line</h2>
      <Picture scale={scale} known={life !== null} />
      <Steps marks={scale.marks} />
      {life !== null && <Life steps={life} sent={Date.parse(delivery.sent_at)} />}
    </section>
  );
}

const percentOf = (share: number): string => `${(share * 100).toFixed(3)}%`;

function Picture({ scale, known }: { scale: Scale; known: boolean }) {
  return (
    <div class="picture" aria-hidden="true">
      <div class="lane">
        <span class="lane-name">Delivery</span>
        <div class="track">
          <span class="line" />
          {scale.deadline !== undefined && (
            <span class="deadline" style={{ left: percentOf(scale.deadline) }} title="deadline" />
          )}
          {scale.marks.map((mark) => (
            <span
              key={mark.number}
              class={`mark ${toneOf(mark.step)}`}
              style={{ left: percentOf(mark.at) }}
              title={`${STEP_WORDS[mark.step.step] ?? mark.step.step}, ${duration(mark.step.after_ms)} after the send`}
            >
              {mark.number}
            </span>
          ))}
        </div>
      </div>
      <div class="lane">
        <span class="lane-name">Connection</span>
        <div class="track">
          {scale.bar !== undefined && (
            <span
              class="life-bar"
              style={{ left: percentOf(scale.bar.from), width: percentOf(scale.bar.to - scale.bar.from) }}
            />
          )}
          {!known && <span class="quiet">not remembered</span>}
          {scale.life.map((mark) => (
            <LifeDot key={`${mark.step.step} ${mark.after}`} mark={mark} />
          ))}
        </div>
      </div>
      <div class="lane axis">
        <span class="lane-name" />
        <div class="track">
          {scale.ticks.map(({ at, ms }) => (
            <span key={ms} class="tick" style={{ left: percentOf(at) }}>
              {ms === 0 ? '0' : duration(ms)}
            </span>
          ))}
        </div>
      </div>
    </div>
  );
}

function LifeDot({ mark: { step, at, after } }: { mark: LifeMark }) {
  return (
    <span
      class={`life-dot ${step.step}`}
      style={{ left: percentOf(at) }}
      title={`${lifeText(step)}, ${duration(after)} after the send`}
    />
  );
}

function lifeText({ step, capability, by, code }: ConnectionStepJson): string {
  if (step === 'opened') return 'opened';
  if (step === 'capability')
    return capability === 'processed' ? 'its application confirmed something' : 'it answered a ping';
  return `closed by the ${by ?? 'client'} with ${code ?? 'no code'}${code === 1006 ? ' (cut, no Close frame)' : ''}`;
}

function Steps({ marks }: { marks: readonly Mark[] }) {
  return (
    <ol class="steps">
      {marks.map(({ step, number, delay }) => (
        <li key={number}>
          <span class={`mark ${toneOf(step)}`} aria-hidden="true">
            {number}
          </span>
          <span class="step-name">
            {STEP_WORDS[step.step] ?? spoken(step.step)}
            {step.number !== undefined && step.number > 1 && <span class="quiet"> attempt {step.number}</span>}
            {step.level !== undefined && step.step !== 'upgrade' && <span class="quiet"> level {step.level}</span>}
            {step.result !== undefined && step.result !== 'sent' && <span class="bad-text"> {step.result}</span>}
            {step.error_type !== undefined && step.error_type !== step.step && (
              <span class="bad-text"> {spoken(step.error_type)}</span>
            )}
            {step.reason !== undefined && <span class="unsure-text"> {spoken(step.reason)}</span>}
          </span>
          <span class="number">{number === 1 ? '0' : `+${duration(step.after_ms)}`}</span>
          <span class="number quiet">{delay === null ? '' : `${duration(delay)} later`}</span>
          <span class="quiet step-time">
            <Time at={step.at} />
          </span>
        </li>
      ))}
    </ol>
  );
}

function Life({ steps, sent }: { steps: readonly ConnectionStepJson[]; sent: number }) {
  return (
    <details class="life">
      <summary>The life of its connection</summary>
      <ol>
        {steps.map((step) => {
          const after = Date.parse(step.at) - sent;
          return (
            <li key={`${step.step} ${step.at}`}>
              <Time at={step.at} /> {lifeText(step)}{' '}
              <span class="quiet">
                {duration(Math.abs(after))} {after < 0 ? 'before' : 'after'} the send
              </span>
            </li>
          );
        })}
      </ol>
    </details>
  );
}

// page: changes of an open delivery by hand; each says what it will do before it does it.
import { useState } from 'preact/hooks';
import type { ChangeJson, DeliveryDetailJson } from '../admin/shapes.ts';
import { send } from './api.ts';
import { Ask } from './dialog.tsx';
import { useShared } from './hooks.ts';

type Action = ChangeJson['action'];

const WORDS: Readonly<
  Record<Action, { button: string; title: string; says: string; does: string; dangerous: boolean }>
> = {
  resend: {
    button: 'Send again…',
    title: 'Send this message again?',
    says: 'The kept message is written to the client once more, as an attempt. A client that drops duplicates shows it once; one that does not may show it twice.',
    does: 'Send again',
    dangerous: false,
  },
  confirm: {
    button: 'Close without proof…',
    title: 'Close this delivery without proof?',
    says: 'It ends “unverifiable: operator”. Your word is no evidence of receipt, so it counts in neither part of the confirmation rate. Nothing is sent. This cannot be undone.',
    does: 'Close it',
    dangerous: true,
  },
  fail: {
    button: 'Give up…',
    title: 'Give this delivery up?',
    says: 'It ends “failed: operator” and counts as lost. No more attempts are made. This cannot be undone.',
    does: 'Give up',
    dangerous: true,
  },
};

export function Actions({ delivery, changed }: { delivery: DeliveryDetailJson; changed: () => void }) {
  const { about, say } = useShared();
  const [asked, setAsked] = useState<Action>();
  const isOpen = delivery.status === 'pending' || delivery.status === 'retrying';
  if (about.read_only || !isOpen) return null;
  const away = delivery.connection === null;
  return (
    <span class="actions">
      <button
        type="button"
        disabled={!delivery.kept || away}
        title={
          delivery.kept
            ? away
              ? 'Its client is away, and gets it by itself when it comes back'
              : 'An attempt of the kept message'
            : 'Its message is not kept: only those of clients that opted in, or whose rule says resend, are'
        }
        onClick={() => setAsked('resend')}
      >
        {WORDS.resend.button}
      </button>
      <button type="button" onClick={() => setAsked('confirm')}>
        {WORDS.confirm.button}
      </button>
      <button type="button" onClick={() => setAsked('fail')}>
        {WORDS.fail.button}
      </button>
      {asked !== undefined && (
        <Ask
          title={WORDS[asked].title}
          does={WORDS[asked].does}
          dangerous={WORDS[asked].dangerous}
          act={async (why) => {
            const done = await send<ChangeJson>(`deliveries/${encodeURIComponent(delivery.id)}/${asked}`, why);
            say(done.result === null ? 'Done.' : `The attempt was ${done.result}.`);
            changed();
          }}
          close={() => setAsked(undefined)}
        >
          <p>{WORDS[asked].says}</p>
          <p class="quiet">
            <code>{delivery.event_id ?? delivery.id}</code> · {delivery.type} · to {delivery.user ?? delivery.session}
          </p>
        </Ask>
      )}
    </span>
  );
}

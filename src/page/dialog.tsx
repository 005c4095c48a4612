// page: the dialog before a change: it says what will happen, and asks for the reason.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from './api.ts';

export interface AskProps {
  readonly title: string;
  /** Text that says what will happen. */
  readonly children: ComponentChildren;
  /** The word on the button. */
  readonly does: string;
  readonly dangerous?: boolean;
  /** Makes the change. The dialog shows the message of a rejection, and stays. */
  readonly act: (why: { reason: string; by?: string }) => Promise<void>;
  readonly close: () => void;
}

const BY_KEY = 'ackspan-by';

/** The name under which this browser last made changes; `''` = none. */
function rememberedName(): string {
  try {
    return localStorage.getItem(BY_KEY) ?? '';
  } catch {
    return '';
  }
}

export function Ask({ title, children, does, dangerous = false, act, close }: AskProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState('');
  const [by, setBy] = useState(rememberedName);
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setFault('');
    try {
      localStorage.setItem(BY_KEY, by.trim());
    } catch {
      // Without storage the dialog asks for the name each time.
    }
    try {
      await act({ reason: reason.trim(), ...(by.trim() === '' ? {} : { by: by.trim() }) });
      dialog.current?.close();
    } catch (problem) {
      setFault(problem instanceof ApiError ? problem.message : 'It could not be done.');
    }
    setBusy(false);
  };
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="ask-title" onClose={close}>
      <form onSubmit={(event) => void submit(event)}>
        <h2 id="ask-title">{title}</h2>
        {children}
        <label>
          Why <span class="quiet">(goes to the log)</span>
          <input required maxLength={500} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
        </label>
        <label>
          Your name <span class="quiet">(as you say it; the token proves nobody)</span>
          <input maxLength={100} value={by} onInput={(event) => setBy(event.currentTarget.value)} />
        </label>
        <p class="fault" role="alert">
          {fault}
        </p>
        <div class="dialog-end">
          <button type="button" onClick={() => dialog.current?.close()}>
            Leave it
          </button>
          <button type="submit" class={dangerous ? 'danger' : 'primary'} disabled={busy}>
            {busy ? 'Working…' : does}
          </button>
        </div>
      </form>
    </dialog>
  );
}

// page: the keys of the page, and the list that explains them.
import { useEffect, useRef } from 'preact/hooks';

/** The keys with their meaning. `g` and a letter goes to a view. */
const KEYS = [
  ['/', 'find an id'],
  ['g o', 'go to the overview'],
  ['g d', 'go to the deliveries'],
  ['g c', 'go to the connections'],
  ['j', 'next row'],
  ['k', 'previous row'],
  ['Enter', 'open the row'],
  ['p', 'pause or go on'],
  ['Esc', 'close a dialog'],
  ['?', 'this list'],
] as const;

const PLACES: Readonly<Record<string, string>> = { o: '#/', d: '#/deliveries', c: '#/connections' };

/** Longest wait between `g` and its letter, ms. */
const CHORD_MS = 1200;

/** Whether a key is meant for a field. */
function isTyping({ target }: KeyboardEvent): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, dialog') !== null;
}

/** Moves the focus among the rows of the table. */
function moveRow(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row] a.row-link')];
  if (rows.length === 0) return;
  const now = rows.indexOf(document.activeElement as HTMLElement);
  rows[Math.min(rows.length - 1, Math.max(0, now + by))]?.focus();
}

export function Keyboard() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    let chordUntil = 0;
    const pressed = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      const { key } = event;
      const place = PLACES[key];
      if (event.timeStamp < chordUntil && place !== undefined) location.hash = place;
      else if (key === '/') document.getElementById('search')?.focus();
      else if (key === 'j' || key === 'k') moveRow(key === 'j' ? 1 : -1);
      else if (key === 'p') document.querySelector<HTMLElement>('[data-pause]')?.click();
      else if (key === '?') dialog.current?.showModal();
      else {
        chordUntil = key === 'g' ? event.timeStamp + CHORD_MS : 0;
        return;
      }
      chordUntil = 0;
      event.preventDefault();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl class="keys">
        {KEYS.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}

// page: the log-in, which exchanges the admin token for a cookie that no script can read.
import { useRef, useState } from 'preact/hooks';
import { ApiError, send } from './api.ts';

export function Login({ entered }: { entered: () => void }) {
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const token = field.current?.value.trim() ?? '';
    if (token === '') return;
    setBusy(true);
    setError('');
    try {
      await send('login', { token });
      entered();
    } catch (problem) {
      setError(problem instanceof ApiError ? problem.message : 'The log-in failed.');
      field.current?.select();
    }
    setBusy(false);
  };
  return (
    <>
      <header class="bar">
        <span class="brand">Ackspan</span>
      </header>
      <main class="content narrow">
        <form class="card login" onSubmit={(event) => void submit(event)}>
          <h1>Log in</h1>
          <p class="quiet">
            This page shows who was sent what. It asks for the admin token (<code>admin.token</code>, or{' '}
            <code>ACKSPAN_ADMIN_TOKEN</code>). The log-in holds for ten hours in this browser.
          </p>
          <label for="token">Admin token</label>
          <input
            id="token"
            ref={field}
            type="password"
            autocomplete="current-password"
            required
            aria-describedby="login-error"
            aria-invalid={error !== ''}
          />
          <p id="login-error" class="fault" role="alert">
            {error}
          </p>
          <button class="primary" type="submit" disabled={busy}>
            {busy ? 'Checking…' : 'Log in'}
          </button>
        </form>
      </main>
    </>
  );
}

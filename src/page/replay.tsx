// page: sending the kept messages of filtered deliveries again: a dry run first, then, if wanted, the real one.
import { useState } from 'preact/hooks';
import type { ReplayJson } from '../admin/shapes.ts';
import { ApiError, type Search, send } from './api.ts';
import { Ask } from './dialog.tsx';
import { count } from './format.ts';
import { useShared } from './hooks.ts';

/** Most deliveries of one replay from this page. */
const LIMIT = 500;

export function Replay({ filter }: { filter: Search }) {
  const { about, say } = useShared();
  const [plan, setPlan] = useState<ReplayJson>();
  if (about.read_only) return null;
  const filtered = Object.keys(filter).length > 0;
  const wish = { filter, limit: LIMIT };
  const look = async (): Promise<void> => {
    try {
      setPlan(await send<ReplayJson>('replay', { ...wish, dry_run: true, reason: 'dry run from the page' }));
    } catch (problem) {
      say(problem instanceof ApiError ? problem.message : 'It could not be asked.');
    }
  };
  return (
    <>
      <button
        type="button"
        disabled={!filtered}
        title={filtered ? 'Says first what it would do' : 'Filter first: a replay of everything is hardly ever meant'}
        onClick={() => void look()}
      >
        Send again…
      </button>
      {plan !== undefined && (
        <Ask
          title={
            plan.sent === 0
              ? 'Nothing to send again'
              : `Send ${count(plan.sent)} ${plan.sent === 1 ? 'message' : 'messages'} again?`
          }
          does="Send again"
          act={async (why) => {
            const done = await send<ReplayJson>('replay', { ...wish, ...why });
            say(`${count(done.sent)} sent again, ${count(done.blocked + done.failed)} not.`);
          }}
          close={() => setPlan(undefined)}
        >
          <Plan plan={plan} />
        </Ask>
      )}
    </>
  );
}

function Plan({ plan }: { plan: ReplayJson }) {
  const { settled, not_kept, away } = plan.skipped;
  return (
    <ul class="plan">
      <li>
        <strong>{count(plan.matched)}</strong> open deliveries match the filter
        {plan.more ? ` (the oldest ${LIMIT}; more match)` : ''}.
      </li>
      <li>
        <strong>{count(plan.sent)}</strong> have their message kept and their client connected: those are sent again,
        oldest first, each as an attempt.
      </li>
      {not_kept > 0 && <li>{count(not_kept)} have no message kept and stay as they are.</li>}
      {away > 0 && <li>{count(away)} have a client that is away; it gets them by itself when it comes back.</li>}
      {settled > 0 && <li>{count(settled)} have their outcome by now.</li>}
    </ul>
  );
}

// channels: docs/debugging.md: every channel with the members of its messages, and how one connection is followed.
import { CHANNELS } from './channels.ts';

const INTRO = `# Following one connection

The log says what went wrong, the [live page](page.md) and \`ackspan tail\` say what became of
deliveries. For a fault of the relay itself there are channels of
[\`node:diagnostics_channel\`](https://nodejs.org/docs/latest-v20.x/api/diagnostics_channel.html): a
module that is loaded before the sidecar subscribes to them, and is told every step in the turn of
the event loop in which it happens.

\`examples/follow.mjs\` prints the steps of one connection:

\`\`\`
FOLLOW=c-2 NODE_OPTIONS='--import ./examples/follow.mjs' npx ackspan run --upstream http://127.0.0.1:8000
\`\`\`

- Nothing is computed for a channel that has no subscriber. For the four channels of deliveries that
  is decided once, when the sidecar starts: subscribe before it does.
- A subscriber runs on the path of the events. What it does slows the relay. What it throws ends the
  process (\`uncaughtException\`).
- Messages are plain objects with the members below. Times are monotonic milliseconds: compare them
  with each other, not with a clock.
- The target of a request may carry tokens in its query. Do not log it as it is.

## Channels

`;

/** The page as Markdown. */
export function debuggingPage(): string {
  const parts = Object.values(CHANNELS).map(({ name, text, members }) => {
    const list = Object.entries(members).map(([member, meaning]) => `- \`${member}\`: ${meaning}.`);
    return `### \`${name}\`\n\n${text}\n\n${list.join('\n')}\n`;
  });
  return `${INTRO}${parts.join('\n')}`;
}

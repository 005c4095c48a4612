// admin: a dead letter as JSON shows it; its message only where the operator lets payloads be seen, and redacted.
import type { FoundLetter } from '../delivery/dead-letters.ts';
import type { DeadLetterJson } from './dead-letter-shapes.ts';
import type { AdminSettings } from './ports.ts';
import { createRedactor } from './redact.ts';

const iso = (at: number): string => new Date(at).toISOString();
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;

/** One letter without its message. */
export function letterJson({ letter, messageBytes }: FoundLetter): DeadLetterJson {
  const { sentAt, receivedAt, settledAt } = letter;
  return {
    id: letter.id,
    instance: letter.instance ?? null,
    event_id: letter.eventId ?? null,
    type: letter.type,
    priority: letter.priority,
    status: letter.status,
    error_type: letter.errorType,
    error_text: letter.errorText === '' ? null : letter.errorText,
    level: letter.level === '' ? null : letter.level,
    required: letter.required,
    capability: letter.capability,
    session: letter.session,
    user: letter.user ?? null,
    claimed_user: letter.claimedUser ?? null,
    connection: letter.connection === '' ? null : letter.connection,
    run: letter.run ?? null,
    tool: letter.tool ?? null,
    tool_call: letter.toolCall ?? null,
    ordinal: letter.ordinal,
    bytes: letter.bytes,
    sent_at: iso(sentAt),
    lost_at: iso(settledAt),
    received_ms: receivedAt === 0 ? null : rounded(receivedAt - sentAt),
    lost_ms: rounded(settledAt - sentAt),
    trace_id: letter.traceId ?? null,
    attempts: letter.attempts.map(({ kind, at, number, delay, result }) => ({
      ...{ step: kind, at: iso(at), after_ms: rounded(at - sentAt), number, delay_ms: rounded(delay), result },
    })),
    message_bytes: messageBytes,
  };
}

/**
 * Makes one line of an export from a letter. Kept messages are text, because no other is kept (SPEC
 * D21).
 */
export function createLetterLine({ payloads, redact }: Pick<AdminSettings, 'payloads' | 'redact'>) {
  const shown = createRedactor(redact);
  return (found: FoundLetter): string => {
    const { message } = found;
    const text = !payloads || message === undefined ? null : shown(new TextDecoder().decode(message));
    return `${JSON.stringify({ ...letterJson(found), message: text } satisfies DeadLetterJson)}\n`;
  };
}

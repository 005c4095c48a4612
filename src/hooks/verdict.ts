// hooks: what a receiver's answer means for the notice: delivered, to be tried again, or refused for good.
import type { RequestResult } from './counters.ts';
import type { Answer } from './post.ts';

/**
 * 2xx is delivered. 408, 425, 429 and 5xx may pass. Other answers, redirects too, will be the same
 * next time.
 */
export function resultOf(answer: Answer): RequestResult {
  if (answer.kind !== 'answered') return answer.kind;
  const { status } = answer;
  if (status >= 200 && status < 300) return 'delivered';
  return status >= 500 || status === 408 || status === 425 || status === 429 ? 'failed' : 'refused';
}

/** The answer in a few words, for the log. */
export function say(answer: Answer): string {
  if (answer.kind === 'answered') return `HTTP ${answer.status}`;
  return answer.kind === 'timeout' ? 'no answer in time' : answer.error.message;
}

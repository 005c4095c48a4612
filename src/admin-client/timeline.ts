// admin-client: the steps of a delivery's life in words, for the terminal, assistants and the page. Pure.
import type { StepJson } from '../admin/shapes.ts';
import { printable } from './printable.ts';
import { time } from './wording.ts';

/** What happened at a step, in a few words. */
export function stepText({ step, number, delay_ms, result, level, error_type, reason }: StepJson): string {
  const tried =
    number === undefined
      ? ''
      : ` (attempt ${number}${delay_ms === undefined ? '' : `, ${time(delay_ms)} after the last`})`;
  const came = result === undefined || result === 'sent' ? '' : `: ${result}`;
  switch (step) {
    case 'send':
      return 'sent to the client';
    case 'probe':
      return `asked again with a ping${tried}${came}`;
    case 'resend':
      return `sent again${tried}${came}`;
    case 'replay':
      return `sent again after the client came back${tried}${came}`;
    case 'reemit':
      return `backend asked to emit it again${tried}${came}`;
    case 'received':
      return 'the client’s stack proved that it has it';
    case 'confirmed':
      return `confirmed${level === undefined ? '' : ` at level ${level}`}`;
    case 'failed':
      return `failed${error_type === undefined ? '' : `: ${error_type}`}`;
    case 'timeout':
      return 'deadline passed without confirmation';
    case 'unverifiable':
      return `unverifiable${reason === undefined ? '' : `: ${reason}`}`;
    case 'late':
      return 'proof came after the outcome; it changes nothing';
    case 'upgrade':
      return `the application confirmed it too${level === undefined ? '' : ` (level ${level})`}`;
    case 'rejected':
      return 'the application rejected it afterwards; the outcome stays';
    default:
      // A newer sidecar may know more steps.
      return printable(step satisfies never);
  }
}

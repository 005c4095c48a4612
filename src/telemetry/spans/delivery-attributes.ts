// telemetry: the attributes of a delivery's span. No payload, no token, no user id, no `errorText`.
import type { Attributes } from '@opentelemetry/api';
import type { EventType } from '../../delivery/policy.ts';
import type { Delivery } from '../../delivery/record.ts';
import type { Level } from '../../delivery/words.ts';
import { ATTR } from '../names/names.ts';
import { createSharedParts, type SharedParts } from './shared-parts.ts';

/** Attributes that all deliveries of a type share, and those that all smooth ones share. */
interface TypeAttributes {
  readonly type: EventType;
  readonly any: SharedParts;
  readonly smooth: Readonly<Record<Level, SharedParts>>;
}

/** Finds the shared attributes of a delivery's type. */
export type TypeAttributesFinder = (delivery: Delivery) => SharedParts;

/**
 * Types beyond this number get new attributes each time: only a feed of random type names gets
 * here.
 */
const TYPES_LIMIT = 1024;

/** Whether the delivery was confirmed without a second attempt, as nearly all are. */
export function isSmooth(delivery: Delivery): delivery is Delivery & { readonly level: Level } {
  return delivery.status === 'confirmed' && delivery.attempts === 1 && delivery.level !== '';
}

/** Keeps one set per event type; a smooth delivery's set has its outcome in it. */
export function createTypeAttributes(): TypeAttributesFinder {
  const known = new Map<EventType, TypeAttributes>();
  let last: TypeAttributes | undefined;
  return (delivery) => {
    const { type } = delivery;
    if (last?.type !== type) {
      last = known.get(type) ?? create(type);
      if (known.size < TYPES_LIMIT) known.set(type, last);
    }
    return isSmooth(delivery) ? last.smooth[delivery.level] : last.any;
  };
}

function create(type: EventType): TypeAttributes {
  const any = {
    [ATTR.messagingSystem]: 'websocket',
    [ATTR.operationName]: 'send',
    [ATTR.operationType]: 'send',
    [ATTR.protocolName]: 'websocket',
    [ATTR.destination]: type.name,
    [ATTR.priority]: type.policy.priority,
  };
  const smooth = (level: Level) =>
    createSharedParts({ ...any, [ATTR.outcome]: 'confirmed', [ATTR.level]: level, [ATTR.attempts]: 1 });
  return {
    type,
    any: createSharedParts(any),
    smooth: { received: smooth('received'), processed: smooth('processed') },
  };
}

/** Attributes of one delivery. The attributes of its type and connection are shared. */
export function ownAttributes(delivery: Delivery): Attributes {
  const attributes: Attributes = { [ATTR.messageId]: delivery.eventId ?? delivery.id };
  // 0 = not known, because the message was not read.
  if (delivery.bytes > 0) attributes[ATTR.bodySize] = delivery.bytes;
  if (delivery.run !== undefined) attributes[ATTR.conversationId] = delivery.run;
  if (delivery.tool !== undefined) attributes[ATTR.toolName] = delivery.tool;
  if (delivery.toolCall !== undefined) attributes[ATTR.toolCallId] = delivery.toolCall;
  if (isSmooth(delivery)) return attributes;
  attributes[ATTR.outcome] = delivery.status;
  attributes[ATTR.attempts] = delivery.attempts;
  if (delivery.level !== '') attributes[ATTR.level] = delivery.level;
  if (delivery.errorType !== '') attributes[ATTR.errorType] = delivery.errorType;
  if (delivery.unverified !== '') attributes[ATTR.unverified] = delivery.unverified;
  return attributes;
}

// config: keys that are fine one by one and wrong together.
import { lastAttemptMs } from '../delivery/attempts.ts';
import type { Config } from './config.ts';
import type { ConfigFault } from './fault.ts';
import type { Place } from './file.ts';
import { identityWarnings } from './identity-warnings.ts';
import { formatDuration } from './units.ts';
import type { EventRule } from './values.ts';

/**
 * Judges the configuration as a whole. `sound(key)` is false for a key with a fault of its own; no
 * second fault is reported for such a key.
 */
export function consistency(
  config: Config,
  place: (key: string, path?: readonly PropertyKey[]) => Place,
  sound: (key: string) => boolean,
): { faults: ConfigFault[]; warnings: ConfigFault[] } {
  const faults: ConfigFault[] = [];
  const fault = (key: string, at: string, message: string, ...keys: string[]): void => {
    if ([key, at, ...keys].every(sound)) faults.push({ key, ...place(at), message });
  };
  const { listen, admin } = config;

  if (admin.listen !== undefined && admin.token === undefined && !isLoopback(admin.listen.host)) {
    const where = `${admin.listen.host}:${admin.listen.port}`;
    fault(
      'admin.token',
      'admin.listen',
      `is missing: admin.listen ${where} can be reached from other machines; set ACKSPAN_ADMIN_TOKEN, or listen on 127.0.0.1`,
    );
  }
  if (admin.mount !== undefined && admin.token === undefined) {
    fault(
      'admin.token',
      'admin.mount',
      'is missing: admin.mount serves the admin API to the public; set ACKSPAN_ADMIN_TOKEN',
    );
  }
  if (config.check.path !== undefined && admin.token === undefined) {
    fault('admin.token', 'check.path', 'is missing: check.path is for callers that know it; set ACKSPAN_ADMIN_TOKEN');
  }
  if (admin.listen !== undefined && overlap(admin.listen, listen)) {
    fault('admin.listen', 'admin.listen', `port ${listen.port} is taken by listen; write another port`, 'listen');
  }
  const backend = sound('upstream') ? upstreamAddress(config.upstream) : undefined;
  if (backend !== undefined && isLoopback(backend.host) && overlap({ ...backend, host: '127.0.0.1' }, listen)) {
    fault('upstream', 'upstream', `is Ackspan's own listen address; write where the backend listens`, 'listen');
  }
  if (config.identity.jwtKey !== undefined && config.identity.jwksUrl !== undefined) {
    fault(
      'identity.jwks_url',
      'identity.jwks_url',
      'cannot be together with identity.jwt_key; write one of them',
      'identity.jwt_key',
    );
  }
  if (config.hooks.url !== undefined && config.hooks.secrets.length === 0) {
    fault('hooks.secrets', 'hooks.url', 'is missing: notices are always signed; set ACKSPAN_HOOKS_SECRETS');
  }
  const warnings = sound('events.rules') ? ruleWarnings(config, (path) => place('events.rules', path)) : [];
  if (sound('events.rules') && sound('events.unread') && !tracksAnything(config.events)) {
    const message = 'nothing is tracked: no rule tracks, and messages without an event are not tracked either';
    warnings.push({ key: 'events.rules', ...place('events.rules'), message });
  }
  return { faults, warnings: [...warnings, ...identityWarnings(config.identity, place)] };
}

/** Whether only this machine can reach the host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * Host and port of the upstream; undefined for a Unix socket or an address that cannot be parsed.
 */
export function upstreamAddress(upstream: string): { host: string; port: number } | undefined {
  if (upstream.startsWith('unix:') || !URL.canParse(upstream)) return undefined;
  const { hostname, port, protocol } = new URL(upstream);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (protocol === 'https:' ? 443 : 80) };
}

function overlap(a: Config['listen'], b: Config['listen']): boolean {
  const everywhere = (host: string): boolean => host === '0.0.0.0' || host === '::';
  return a.port !== 0 && a.port === b.port && (a.host === b.host || everywhere(a.host) || everywhere(b.host));
}

/** A pattern of event types as an expression: `*` is any text, `?` one character. */
function asExpression(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`, 's');
}

/**
 * The first rule before that matches all that this one spells out or covers with the same pattern;
 * -1 = none.
 */
function shadowing(before: readonly EventRule[], rule: EventRule): number {
  const covers = (earlier: string, pattern: string) =>
    earlier === pattern || (!/[*?]/.test(pattern) && asExpression(earlier).test(pattern));
  const seen = rule.match.map((pattern) =>
    before.findIndex(({ match }) => match.some((each) => covers(each, pattern))),
  );
  return seen.includes(-1) ? -1 : Math.max(...seen);
}

/** The limit that lets no message be kept; undefined = there is none. */
function nothingIsKept({ limits, sessions }: Config): string | undefined {
  if (limits.retainedBytes === 0) return 'limits.retained_bytes';
  if (limits.retainedBytesPerUser === 0) return 'limits.retained_bytes_per_user';
  return sessions.retainedBytes === 0 ? 'sessions.retained_bytes' : undefined;
}

/** Why a rule that says `resend: true` has nothing sent again; undefined = it has. */
function noResends(config: Config, { confirm, attemptsMs, keepLost }: EventRule): string | undefined {
  const empty = nothingIsKept(config);
  if (empty !== undefined) return `${empty} is 0, so no message is kept`;
  if (attemptsMs.length === 0) return 'attempts is empty, so there is no time for it';
  // The message is kept for the dead letter then.
  if (confirm === 'processed' || keepLost === true) return undefined;
  return 'a client without the SDK needs nothing more once it has received the event; set confirm: processed';
}

function ruleWarnings(config: Config, place: (path: readonly PropertyKey[]) => Place): ConfigFault[] {
  const {
    hooks,
    events: { rules },
  } = config;
  const reemits = hooks.url !== undefined && hooks.events.includes('reemit');
  const warnings: ConfigFault[] = [];
  const warn = (index: number, field: string, message: string): void => {
    warnings.push({ key: `events.rules[${index}].${field}`, ...place([index, field]), message });
  };
  let catchAll = -1;
  for (const [index, rule] of rules.entries()) {
    if (catchAll >= 0) warn(index, 'match', `never used: events.rules[${catchAll}] matches everything before it`);
    else {
      const before = shadowing(rules.slice(0, index), rule);
      if (before >= 0) warn(index, 'match', `never used: events.rules[${before}] matches the same before it`);
      if (rule.match.includes('*')) catchAll = index;
    }
    const last = rule.attemptsMs.reduce((sum, gap) => sum + gap, 0);
    const late = last < rule.timeoutMs && lastAttemptMs(rule.attemptsMs) >= rule.timeoutMs;
    if (rule.track && late) {
      warn(
        index,
        'attempts',
        `the last attempt may not be made: each gap varies by 10 %, and ${formatDuration(last)} is too near to the timeout of ${formatDuration(rule.timeoutMs)}`,
      );
    }
    const moot = rule.track && rule.resend === true ? noResends(config, rule) : undefined;
    if (moot !== undefined) warn(index, 'resend', `sends nothing again: ${moot}`);
    if (rule.track && last >= rule.timeoutMs) {
      warn(
        index,
        'attempts',
        `the last attempt would come ${formatDuration(last)} after the send, past the timeout of ${formatDuration(rule.timeoutMs)}`,
      );
    }
    if (rule.track && rule.confirm === 'processed' && last > 0 && rule.resend !== true && !reemits) {
      warn(
        index,
        'attempts',
        'are not made once a client without the SDK has received the event: there is nothing to try; set resend: true, or hooks.events with reemit, or attempts: []',
      );
    }
  }
  return warnings;
}

/** Whether any message can become a delivery: by a rule that is reached, or for its shape. */
function tracksAnything({ rules, unread }: Config['events']): boolean {
  const all = rules.findIndex(({ match }) => match.includes('*'));
  const reached = all < 0 ? rules : rules.slice(0, all + 1);
  if (reached.some(({ track }) => track)) return true;
  return unread === 'track' && all < 0;
}

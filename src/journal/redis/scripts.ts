// journal: what Redis does in one step, as Lua: writing where a session is still ours, and taking over where it is not.
import { createHash } from 'node:crypto';

/** A script, and the name by which Redis knows it once it is loaded. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/** Beginning of a command that runs a script, up to the arguments of its own. */
export function callOf({ sha }: Script, keys: readonly string[]): string[] {
  return ['EVALSHA', sha, String(keys.length), ...keys];
}

/** Beginnings of what is published of a command: a mark was read, a result, an error. */
export const [ECHO_MARK, ECHO_RESULT, ECHO_ERROR] = ['m', 'r', 'e'];

/**
 * A script for the connection without answers. The last two of ARGV are the channel and the number
 * of the command: every result but 1 is published there, and every error.
 */
export function oneWay(text: string): Script {
  return script(`local number = table.remove(ARGV)
local echo = table.remove(ARGV)
local good, result = pcall(function()
${text}
end)
if not good then
  local why = type(result) == 'table' and result.err or result
  redis.call('PUBLISH', echo, '${ECHO_ERROR} ' .. number .. ' ' .. string.gsub(tostring(why), '[\\r\\n]', ' '))
elseif result ~= 1 then
  redis.call('PUBLISH', echo, '${ECHO_RESULT} ' .. number .. ' ' .. tostring(result))
end`);
}

/** The time of Redis in ms: the one clock of all instances. */
const NOW = `local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`;

/**
 * The lease of an instance, ms: its own, which stands in `about`, or the one that is looking, where
 * that is longer. During a roll-out the instances may have different ones.
 */
const LEASE = `local function lease(about, name, own)
  local text = redis.call('HGET', about, name)
  local good, known = pcall(cjson.decode, text or '')
  local its = good and type(known) == 'table' and tonumber(known.lease) or 0
  return math.max(its, tonumber(own))
end
`;

/** What a write to a session answers. */
export const WRITTEN = 1;
/** Another instance has the session, because its client came there. */
export const ELSEWHERE = 0;
/** Redis knows nothing of the session. */
export const GONE = -1;
/** Another instance has the session, because this one was taken for dead. */
export const REAPED = -2;

/**
 * A session is ours until another instance raises its epoch. `lost` says why it is not, and the
 * ordinal that it had when it was taken from that epoch, if that is known. `keep` and `back` carry
 * what tells that beyond a session that is written anew.
 */
const LOST = `local function lost(key, epoch)
  local f = redis.call('HMGET', key, 'epoch', 'by', 'taken')
  if not f[1] then return ${GONE} end
  local had = string.match(' ' .. (f[3] or ''), ' ' .. epoch .. ':(%d+)') or ''
  if f[2] == 'reaper' then return ${REAPED} .. ' ' .. had end
  return ${ELSEWHERE} .. ' ' .. had
end
local function keep(key) return redis.call('HMGET', key, 'by', 'taken') end
local function back(key, kept)
  if kept[1] then redis.call('HSET', key, 'by', kept[1]) end
  if kept[2] then redis.call('HSET', key, 'taken', kept[2]) end
end
`;

/**
 * KEYS session. ARGV epoch, life of the key in ms, number of pairs, fields and values …, fields to
 * remove …
 */
export const PUT =
  oneWay(`${LOST}if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return lost(KEYS[1], ARGV[1]) end
local i = 4
for _ = 1, tonumber(ARGV[3]) do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  i = i + 2
end
for n = i, #ARGV do redis.call('HDEL', KEYS[1], ARGV[n]) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return ${WRITTEN}`);

/**
 * Everything that is known of a session, in place of what is there. KEYS session. ARGV epoch, life,
 * owner, fields and values …
 */
export const WRITE = oneWay(`${LOST}local f = redis.call('HMGET', KEYS[1], 'epoch', 'owner')
if f[1] and (tonumber(f[1]) > tonumber(ARGV[1]) or (f[1] == ARGV[1] and f[2] ~= ARGV[3])) then
  return lost(KEYS[1], ARGV[1])
end
local kept = keep(KEYS[1])
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'owner', ARGV[3])
back(KEYS[1], kept)
for i = 4, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return ${WRITTEN}`);

/**
 * Takes a session over. KEYS session. ARGV taker, token's serial (-1 = none), owner from whom it
 * may be taken, `client` or `reaper`, life, the ordinal of the last message that the client has.
 * Answers what stands in the way, or everything that is known of it, and for how long no instance
 * had it, ms. Notes in `taken` which ordinal it had at the end of each epoch, of the latest ones.
 */
export const CLAIM =
  script(`${NOW}local f = redis.call('HMGET', KEYS[1], 'epoch', 'owner', 'used', 'gone', 'ordinal', 'left', 'taken')
if not f[1] or f[4] then return {'unknown'} end
local serial = tonumber(ARGV[2])
if serial >= 0 and serial < tonumber(f[3] or '0') then return {'stale'} end
local open = f[2] == '' or f[2] == ARGV[3]
if ARGV[4] ~= 'reaper' then open = open or f[2] == ARGV[1] end
if not open then return {'held', f[2]} end
if tonumber(ARGV[6]) > tonumber(f[5] or '0') then return {'behind'} end
local taken = (f[7] or '') .. f[1] .. ':' .. (f[5] or '0') .. ' '
if #taken > 200 then taken = string.match(string.sub(taken, -200), ' (.*)') end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'by', ARGV[4], 'taken', taken)
redis.call('HDEL', KEYS[1], 'left')
local away = f[2] == '' and now - tonumber(f[6] or now) or 0
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
if serial >= 0 then redis.call('HSET', KEYS[1], 'used', ARGV[2]) end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {'yours', tostring(epoch), f[2], redis.call('HGETALL', KEYS[1]), tostring(away)}`);

/** Gives a session back, for the next who asks, and notes when. KEYS session. ARGV epoch. */
export const RELEASE = oneWay(`if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return ${ELSEWHERE} end
${NOW}redis.call('HSET', KEYS[1], 'owner', '', 'left', now)
return ${WRITTEN}`);

/** Gives back a session that the instance does not have. KEYS session. ARGV instance. */
export const DISOWN =
  oneWay(`if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('HSET', KEYS[1], 'owner', '') end
return ${WRITTEN}`);

/**
 * A session is over. One that several instances have had is remembered for a while: one of them
 * that was cut off meanwhile must not bring it back. KEYS session. ARGV epoch, how long it is
 * remembered in ms.
 */
export const END = oneWay(`${LOST}if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return ${ELSEWHERE} end
local kept = keep(KEYS[1])
redis.call('DEL', KEYS[1])
if tonumber(ARGV[1]) > 1 then
  back(KEYS[1], kept)
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'owner', '', 'gone', '1')
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return ${WRITTEN}`);

/** Any one command on one key. KEYS key. ARGV command, its other arguments … */
export const DO = oneWay(`redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))
return ${WRITTEN}`);

/**
 * All before it was read. KEYS marks. ARGV instance. Its number is published, and it is noted when
 * Redis has read so far: what a dead instance wrote may still be under way.
 */
export const MARK = oneWay(`${NOW}redis.pcall('ZADD', KEYS[1], now, ARGV[1])
redis.call('PUBLISH', echo, '${ECHO_MARK} ' .. number)
return ${WRITTEN}`);

/**
 * KEYS leases, about, reapers. ARGV instance, what is to be known of it, lease in ms. Answers the
 * time, when it was last there, who is missing, and whether another instance has begun to see
 * to what this one would have left.
 */
export const BEAT = script(`${NOW}${LEASE}local before = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
local silent = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3], 'WITHSCORES')
local missing = {}
for i = 1, #silent, 2 do
  local at = tonumber(silent[i + 1])
  if #missing < 32 and (at == 0 or at <= now - lease(KEYS[2], silent[i], ARGV[3])) then
    missing[#missing + 1] = silent[i]
    missing[#missing + 1] = silent[i + 1]
  end
end
return {tostring(now), before or '', missing, redis.call('HDEL', KEYS[3], ARGV[1])}`);

/**
 * KEYS leases, marks, about. ARGV instance, lease in ms of the one that asks. Answers the time,
 * when the instance was last there ('' = nobody knows it), when Redis last read what it wrote, and
 * its lease.
 */
export const SEEN = script(`${NOW}${LEASE}local function of(key) return redis.call('ZSCORE', key, ARGV[1]) or '' end
return {tostring(now), of(KEYS[1]), of(KEYS[2]), tostring(lease(KEYS[3], ARGV[1], ARGV[2]))}`);

/**
 * Makes one instance at a time see to a dead one, when Redis has read what that one wrote. KEYS
 * leases, reapers, marks, about. ARGV reaper, dead instance, lease in ms.
 */
export const REAP = script(`${NOW}${LEASE}local score = redis.call('ZSCORE', KEYS[1], ARGV[2])
local gone = now - lease(KEYS[4], ARGV[2], ARGV[3])
if not score or tonumber(score) > gone then return 0 end
local mark = redis.call('ZSCORE', KEYS[3], ARGV[2])
if tonumber(score) > 0 and mark and tonumber(mark) > gone then return 0 end
local by = redis.call('HGET', KEYS[2], ARGV[2])
if by then
  local name, till = string.match(by, '^(%S+) (%d+)$')
  if name ~= ARGV[1] and tonumber(till) > now then return 0 end
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[1] .. ' ' .. string.format('%.0f', now + ARGV[3]))
return 1`);

/** KEYS leases, about, reapers, marks. ARGV dead instance, lease in ms. Nothing of it is left. */
export const BURY = script(`${NOW}${LEASE}redis.call('HDEL', KEYS[3], ARGV[1])
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) > now - lease(KEYS[2], ARGV[1], ARGV[2]) then return 0 end
if score and tonumber(score) ~= tonumber(ARGV[3]) then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
return 1`);

/**
 * Gives out a range of numbers, or sees to it that none is given out again. KEYS numbers. ARGV the
 * first one, if none was given yet, the range that the instance has (-1 = it wants one). What is
 * far above the count was given before Redis was emptied.
 */
export const RANGE = script(`local count = tonumber(redis.call('GET', KEYS[1]) or ARGV[1])
local own = tonumber(ARGV[2])
if own < 0 then count = count + 1
elseif own > count and own - count < 1000 then count = own end
redis.call('SET', KEYS[1], string.format('%.0f', count))
return count`);

/**
 * An instance that was taken for dead is back: who has looked at it before takes nothing more. KEYS
 * fence, taken. ARGV how long that is remembered in ms. Answers the numbers that were taken.
 */
export const FENCE = script(`redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('SMEMBERS', KEYS[2])`);

/**
 * Takes deliveries from an instance: they stay in `ending` until they have their outcome. KEYS
 * open, taken, ending, fence. ARGV how long that is remembered in ms, the fence as it was when the
 * instance was seen to be dead ('' = there was none), numbers … Answers those that were there; nil
 * = the instance is back.
 */
export const TAKE = script(`if (redis.call('GET', KEYS[4]) or '') ~= ARGV[2] then return nil end
local found = {}
for i = 3, #ARGV do
  local value = redis.call('HGET', KEYS[1], ARGV[i])
  if value then
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call('SADD', KEYS[2], ARGV[i])
    redis.call('HSET', KEYS[3], ARGV[i], value)
  else
    value = redis.call('HGET', KEYS[3], ARGV[i])
  end
  if value then found[#found + 1] = value end
end
if #found > 0 then
  redis.call('PEXPIRE', KEYS[2], ARGV[1])
  redis.call('PEXPIRE', KEYS[3], ARGV[1])
end
return found`);

export const SCRIPTS: readonly Script[] = [
  ...[PUT, WRITE, CLAIM, RELEASE, END, DO, MARK],
  ...[BEAT, SEEN, REAP, BURY, RANGE, TAKE, DISOWN, FENCE],
];

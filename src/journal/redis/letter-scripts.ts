// journal: what Redis does with dead letters in one step: adds one once, removes the old, the too many, and a user's.
import { oneWay, type Script, script } from './scripts.ts';

/**
 * What adding a letter answers where it was written before, or its owner's letters were purged
 * meanwhile.
 */
export const KNOWN = '';

/** Ids of an owner's letters that are looked at when one is added, because they may be too old. */
const STALE = 10;

/**
 * KEYS letters, bytes, once, then for each owner: purged, index. ARGV number of owners, when the
 * letter began to wait in ms, earliest loss that is kept in ms, life of an index in ms, how long
 * the number is remembered in ms, size, when it was lost, letter, message. Answers the bytes of all
 * letters, or ''.
 */
export const ADD = oneWay(`for n = 1, tonumber(ARGV[1]) do
  local purged = redis.call('GET', KEYS[2 + 2 * n])
  if purged and tonumber(purged) > tonumber(ARGV[2]) then return '${KNOWN}' end
end
if redis.call('EXISTS', KEYS[3]) == 1 then return '${KNOWN}' end
local id = redis.call('XADD', KEYS[1], '*', 'b', ARGV[6], 't', ARGV[7], 'l', ARGV[8], 'm', ARGV[9])
redis.call('SET', KEYS[3], '1', 'PX', ARGV[5])
for n = 1, tonumber(ARGV[1]) do
  local index = KEYS[3 + 2 * n]
  redis.call('XADD', index, id, 'b', ARGV[6], 't', ARGV[7])
  for _, one in ipairs(redis.call('XRANGE', index, '-', '+', 'COUNT', ${STALE})) do
    if tonumber(one[2][4]) < tonumber(ARGV[3]) then redis.call('XDEL', index, one[1]) end
  end
  redis.call('PEXPIRE', index, ARGV[4])
end
return tostring(redis.call('INCRBY', KEYS[2], ARGV[6]))`);

/**
 * Removes the oldest letters, as far as they are too old or too many. KEYS letters, bytes. ARGV
 * earliest loss that is kept in ms, most bytes, most letters at once. Answers the bytes that are
 * left, and how many went.
 */
export const TRIM = script(`local bytes = tonumber(redis.call('GET', KEYS[2]) or '0')
local gone = 0
while gone < tonumber(ARGV[3]) do
  local one = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  if not one then
    redis.call('DEL', KEYS[1])
    bytes = 0
    break
  end
  if tonumber(one[2][4]) >= tonumber(ARGV[1]) and bytes <= tonumber(ARGV[2]) then break end
  redis.call('XDEL', KEYS[1], one[1])
  bytes = bytes - tonumber(one[2][2])
  gone = gone + 1
end
if bytes <= 0 then
  bytes = 0
  redis.call('DEL', KEYS[2])
elseif gone > 0 then redis.call('SET', KEYS[2], string.format('%.0f', bytes)) end
return {string.format('%.0f', bytes), gone}`);

/**
 * Removes letters of one owner, and at last what names him. KEYS letters, bytes, index, purged.
 * ARGV the time in ms, how long it is remembered in ms, most letters at once. Answers how many
 * went, whether that was all, and the bytes that are left.
 */
export const PURGE = script(`redis.call('SET', KEYS[4], ARGV[1], 'PX', ARGV[2])
local ids = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', ARGV[3])
local gone, bytes = 0, 0
for _, one in ipairs(ids) do
  redis.call('XDEL', KEYS[3], one[1])
  if redis.call('XDEL', KEYS[1], one[1]) == 1 then
    gone = gone + 1
    bytes = bytes + tonumber(one[2][2])
  end
end
local left = redis.call('DECRBY', KEYS[2], string.format('%.0f', bytes))
if redis.call('XLEN', KEYS[1]) == 0 then redis.call('DEL', KEYS[1], KEYS[2]) end
if redis.call('XLEN', KEYS[3]) > 0 then return {gone, 0, tostring(left)} end
redis.call('DEL', KEYS[3])
return {gone, 1, tostring(left)}`);

export const LETTER_SCRIPTS: readonly Script[] = [ADD, TRIM, PURGE];

// journal: what Redis does with dead letters in one step: adds one once, removes the old, the too many, and a user's.
import { oneWay, type Script, script } from './scripts.ts';

/**
 * What adding a letter answers where it was written before, or its owner's letters were purged
 * meanwhile.
 */
export const KNOWN = '';

/**
 * Takes a letter out of the list, and out of the index of each owner. An index lives as long as the
 * letters in it: instances keep letters for different times, or for longer than before.
 */
const REMOVE = `local function remove(letters, indexes, one)
  redis.call('XDEL', letters, one[1])
  for owner in string.gmatch(one[2][10] or '', '%S+') do
    redis.call('XDEL', indexes .. owner, one[1])
    if redis.call('XLEN', indexes .. owner) == 0 then redis.call('DEL', indexes .. owner) end
  end
end
`;

/**
 * KEYS letters, bytes, once, then for each owner: purged, index. ARGV number of owners, when the
 * letter began to wait in ms, how long the number is remembered in ms, size, when it was lost,
 * letter, message, owners. Answers the bytes of all letters, or ''.
 */
export const ADD = oneWay(`for n = 1, tonumber(ARGV[1]) do
  local purged = redis.call('GET', KEYS[2 + 2 * n])
  if purged and tonumber(purged) > tonumber(ARGV[2]) then return '${KNOWN}' end
end
if redis.call('EXISTS', KEYS[3]) == 1 then return '${KNOWN}' end
local id = redis.call('XADD', KEYS[1], '*', 'b', ARGV[4], 't', ARGV[5], 'l', ARGV[6], 'm', ARGV[7], 'o', ARGV[8])
redis.call('SET', KEYS[3], '1', 'PX', ARGV[3])
for n = 1, tonumber(ARGV[1]) do redis.call('XADD', KEYS[3 + 2 * n], id, 'b', ARGV[4]) end
return tostring(redis.call('INCRBY', KEYS[2], ARGV[4]))`);

/**
 * Removes the oldest letters, as far as they are too old or too many. KEYS letters, bytes,
 * beginning of the indexes. ARGV earliest loss that is kept in ms, most bytes, most letters at
 * once. Answers the bytes that are left, and how many went.
 */
export const TRIM = script(`${REMOVE}local bytes = tonumber(redis.call('GET', KEYS[2]) or '0')
local gone = 0
while gone < tonumber(ARGV[3]) do
  local one = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  if not one then
    redis.call('DEL', KEYS[1])
    bytes = 0
    break
  end
  if tonumber(one[2][4]) >= tonumber(ARGV[1]) and bytes <= tonumber(ARGV[2]) then break end
  remove(KEYS[1], KEYS[3], one)
  bytes = bytes - tonumber(one[2][2])
  gone = gone + 1
end
if bytes <= 0 then
  bytes = 0
  redis.call('DEL', KEYS[2])
elseif gone > 0 then redis.call('SET', KEYS[2], string.format('%.0f', bytes)) end
return {string.format('%.0f', bytes), gone}`);

/**
 * Removes letters of one owner, and at last what names him. KEYS letters, bytes, index, purged,
 * beginning of the indexes. ARGV the time in ms, how long it is remembered in ms, most letters at
 * once. Answers how many went, whether that was all, and the bytes that are left.
 */
export const PURGE = script(`${REMOVE}redis.call('SET', KEYS[4], ARGV[1], 'PX', ARGV[2])
local gone, bytes = 0, 0
for _, known in ipairs(redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', ARGV[3])) do
  redis.call('XDEL', KEYS[3], known[1])
  local one = redis.call('XRANGE', KEYS[1], known[1], known[1])[1]
  if one then
    remove(KEYS[1], KEYS[5], one)
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

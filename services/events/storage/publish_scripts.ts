import type { RedisScript } from "@mainstay/adapters/redis";

/**
 * Appends events of one shard unless they are there already, and remembers
 * them: all or nothing, and one after the other however many requests race.
 *
 * KEYS  stream, then one record per distinct key of the call and its events
 * ARGV  ttlSeconds, touch ("1": write even if nothing is new), callRecord
 *       (index among the records, "0" if none), callFingerprint, then per event
 *       record (index, "0" if none), fingerprint and ten fields and values
 *
 * Answers, per event in order, its stream id and "1" if it was there already;
 * {"conflict"} if a key was used with another body.
 *
 * A record is `<fingerprint> <id> …`. The memory limit is checked by Redis
 * before the first write of a script, so that it fails before or not at all.
 * `touch`: WAIT looks at this connection's last write, so a duplicate that is
 * to be replicated has to be one.
 */
export const APPEND_ONCE: RedisScript = {
  name: "append-once",
  source: `
local ttl, touch = ARGV[1], ARGV[2]
local callRecord, callFingerprint = tonumber(ARGV[3]), ARGV[4]
local WIDTH = 12
local count = (#ARGV - 4) / WIDTH

local function known(record, fingerprint)
  local value = redis.call('GET', KEYS[1 + record])
  if not value then return nil end
  local words = {}
  for word in string.gmatch(value, '%S+') do words[#words + 1] = word end
  if words[1] ~= fingerprint then return 'conflict' end
  if touch == '1' then
    redis.call('SET', KEYS[1 + record], value, 'KEEPTTL')
  end
  return words
end

local answer = {}
if callRecord > 0 then
  local words = known(callRecord, callFingerprint)
  if words == 'conflict' then return {'conflict'} end
  if words then
    for i = 2, #words do
      answer[#answer + 1] = words[i]
      answer[#answer + 1] = '1'
    end
    return answer
  end
end

local found, first = {}, {}
for i = 1, count do
  local at = 4 + (i - 1) * WIDTH
  local record, fingerprint = tonumber(ARGV[at + 1]), ARGV[at + 2]
  if record > 0 then
    if first[record] then
      if first[record] ~= fingerprint then return {'conflict'} end
    else
      first[record] = fingerprint
      local words = known(record, fingerprint)
      if words == 'conflict' then return {'conflict'} end
      if words then found[record] = words[2] end
    end
  end
end

local ids = {}
for i = 1, count do
  local at = 4 + (i - 1) * WIDTH
  local record = tonumber(ARGV[at + 1])
  local id, duplicate = found[record], '1'
  if not id then
    id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, at + 3, at + WIDTH))
    duplicate = '0'
    if record > 0 then
      found[record] = id
      redis.call('SET', KEYS[1 + record], ARGV[at + 2] .. ' ' .. id, 'EX', ttl)
    end
  end
  ids[i] = id
  answer[#answer + 1] = id
  answer[#answer + 1] = duplicate
end
if callRecord > 0 then
  local value = callFingerprint .. ' ' .. table.concat(ids, ' ')
  redis.call('SET', KEYS[1 + callRecord], value, 'EX', ttl)
end
return answer
`,
};

/**
 * {@link APPEND_ONCE} for one event with one key, at two thirds of its cost.
 * The records are the same.
 *
 * KEYS  stream, record
 * ARGV  ttlSeconds, touch, fingerprint, ten fields and values
 */
export const APPEND_ONE_ONCE: RedisScript = {
  name: "append-one-once",
  source: `
local value = redis.call('GET', KEYS[2])
if not value then
  local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 4))
  redis.call('SET', KEYS[2], ARGV[3] .. ' ' .. id, 'EX', ARGV[1])
  return {id, '0'}
end
local fingerprint, id = string.match(value, '^(%S+) (%S+)$')
if fingerprint ~= ARGV[3] then return {'conflict'} end
if ARGV[2] == '1' then redis.call('SET', KEYS[2], value, 'KEEPTTL') end
return {id, '1'}
`,
};

/**
 * Claims a key for one body before shards are written that know nothing of each
 * other. KEYS: the claim. ARGV: ttlSeconds, fingerprint. Answers 1, or 0 if the
 * key was claimed for another body.
 */
export const CLAIM: RedisScript = {
  name: "claim",
  source: `
local claimed = redis.call('GET', KEYS[1])
if claimed then return claimed == ARGV[2] and 1 or 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[1])
return 1
`,
};

import type { RedisScript } from "@mainstay/adapters/redis";

/**
 * What a consumer group does atomically. All scripts take the same keys (stream,
 * lease, retries, cursor, dead letters: one hash slot) and begin with the same
 * arguments (group, consumer, fence). A fence that is not empty must be that of
 * the lease, or nothing is done. See docs/adr/0002-failed-events-stay-pending.md.
 */
const PRELUDE = `
local stream, lease, retries, cursor, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local group, consumer, fence = ARGV[1], ARGV[2], ARGV[3]
if fence ~= '' and redis.call('HGET', lease, 'fence') ~= fence then
  return redis.error_reply('LEASELOST The shard has another owner')
end
local function owned(id)
  return #redis.call('XPENDING', stream, group, id, id, 1, consumer) > 0
end
`;

/** Where a lost group would go on: before the first pending entry, else after the last delivered. */
const SAVE_CURSOR = `
local function before(id)
  local ms, seq = id:match('^(%d+)-(%d+)$')
  if seq ~= '0' then return ms .. '-' .. string.format('%.0f', tonumber(seq) - 1) end
  if ms == '0' then return '0-0' end
  return string.format('%.0f', tonumber(ms) - 1) .. '-18446744073709551615'
end
local function save_cursor()
  local pending = redis.pcall('XPENDING', stream, group)
  if pending.err then return '' end
  local at
  if pending[2] then
    at = before(pending[2])
  else
    for _, row in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
      local info = {}
      for i = 1, #row, 2 do info[row[i]] = row[i + 1] end
      if info['name'] == group then at = info['last-delivered-id'] end
    end
  end
  redis.call('SET', cursor, at)
  return at
end
`;

const script = (name: string, ...parts: string[]): RedisScript => ({
  name,
  source: parts.join("").trim(),
});

/** ARGV: in-process cursor or empty. Answers whether it created, and where. */
export const ENSURE = script(
  "group-ensure",
  PRELUDE,
  `
local function later(a, b)
  local ams, aseq = a:match('^(%d+)-(%d+)$')
  local bms, bseq = b:match('^(%d+)-(%d+)$')
  if ams ~= bms then return tonumber(ams) > tonumber(bms) end
  return tonumber(aseq) > tonumber(bseq)
end
local last = '0-0'
if redis.call('EXISTS', stream) == 1 then
  for _, row in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    for i = 1, #row, 2 do
      if row[i] == 'name' and row[i + 1] == group then return {0, ''} end
    end
  end
  local info = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
  end
end
local at = redis.call('GET', cursor) or ARGV[4]
if at == '' or later(at, last) then at = '0-0' end
redis.call('XGROUP', 'CREATE', stream, group, at, 'MKSTREAM')
redis.call('DEL', retries)
return {1, at}`,
);

/** ARGV: least idle milliseconds, or `own`; count; start. Answers next, trimmed, entries. */
export const CLAIM = script(
  "group-claim",
  PRELUDE,
  `
local idle, count, start = ARGV[4], tonumber(ARGV[5]), ARGV[6]
local next_id, ids, trimmed = '0-0', {}, 0
if idle == 'own' then
  local from = start == '0-0' and '-' or '(' .. start
  for _, row in ipairs(redis.call('XPENDING', stream, group, from, '+', count, consumer)) do
    ids[#ids + 1] = row[1]
  end
  if #ids == count then next_id = ids[#ids] end
else
  local answer = redis.call('XAUTOCLAIM', stream, group, consumer, idle, start, 'COUNT', count, 'JUSTID')
  next_id, ids, trimmed = answer[1], answer[2], #(answer[3] or {})
  for _, id in ipairs(answer[3] or {}) do redis.call('ZREM', retries, id) end
end
local entries = {}
for _, id in ipairs(ids) do
  local entry = redis.call('XRANGE', stream, id, id)[1]
  if entry then
    local row = redis.call('XPENDING', stream, group, id, id, 1)[1]
    local due = redis.call('ZSCORE', retries, id)
    entries[#entries + 1] = {id, entry[2], row[4], due or ''}
  else
    redis.call('XACK', stream, group, id)
    redis.call('ZREM', retries, id)
    trimmed = trimmed + 1
  end
end
return {next_id, trimmed, entries}`,
);

/** ARGV: id, attempt. */
export const BEGIN = script(
  "group-begin",
  PRELUDE,
  `
local id = ARGV[4]
if not owned(id) then return 0 end
redis.call('XCLAIM', stream, group, consumer, 0, id, 'RETRYCOUNT', ARGV[5], 'JUSTID')
redis.call('ZREM', retries, id)
return 1`,
);

/** ARGV: ids. Answers how many were pending, and the cursor. */
export const ACK = script(
  "group-ack",
  PRELUDE,
  SAVE_CURSOR,
  `
local count = redis.call('XACK', stream, group, unpack(ARGV, 4))
if redis.call('EXISTS', retries) == 1 then redis.call('ZREM', retries, unpack(ARGV, 4)) end
return {count, save_cursor()}`,
);

/** ARGV: ids. Answers those that are this consumer's. */
export const EXTEND = script(
  "group-extend",
  PRELUDE,
  `
local ours = {}
for i = 4, #ARGV do
  if owned(ARGV[i]) then ours[#ours + 1] = ARGV[i] end
end
if #ours > 0 then
  local command = {'XCLAIM', stream, group, consumer, 0, unpack(ours)}
  command[#command + 1] = 'JUSTID'
  redis.call(unpack(command))
end
return ours`,
);

/** ARGV: id, attempts begun, id, …. Thirty days of idleness pass for any claimer's least. */
export const HAND_BACK = script(
  "group-hand-back",
  PRELUDE,
  `
for i = 4, #ARGV, 2 do
  if owned(ARGV[i]) then
    redis.call('XCLAIM', stream, group, consumer, 0, ARGV[i],
      'IDLE', 2592000000, 'RETRYCOUNT', ARGV[i + 1], 'JUSTID')
  end
end
return 1`,
);

/** ARGV: id, due time, attempts. */
export const RETRY_AT = script(
  "group-retry-at",
  PRELUDE,
  `
local id = ARGV[4]
if not owned(id) then return 0 end
redis.call('ZADD', retries, ARGV[5], id)
redis.call('XCLAIM', stream, group, consumer, 0, id, 'RETRYCOUNT', ARGV[6], 'JUSTID')
return 1`,
);

/**
 * ARGV: id, reason, error, attempts, and the entry's fields as this process
 * knows them, for the case that the entry has been trimmed. The fields are kept
 * as one JSON array, names and values in turn, as they stood in the stream.
 */
export const BURY = script(
  "group-bury",
  PRELUDE,
  SAVE_CURSOR,
  `
local id = ARGV[4]
if not owned(id) then return 0 end
local entry = redis.call('XRANGE', stream, id, id)[1]
local fields = entry and entry[2] or {unpack(ARGV, 8)}
redis.call('XADD', dead, '*', 'originId', id, 'group', group, 'consumer', consumer,
  'reason', ARGV[5], 'error', ARGV[6], 'attempts', ARGV[7],
  'fields', #fields > 0 and cjson.encode(fields) or '[]')
redis.call('XACK', stream, group, id)
redis.call('ZREM', retries, id)
save_cursor()
return 1`,
);

/**
 * ARGV: lease milliseconds. Answers the new fence, or nil if another holds it.
 *
 * Fences are the server's microseconds, and always higher than the one before,
 * so that they rise even over the loss of all data. The gate is a stream that
 * has the group for as long as the fence is current: a read that names it
 * beside the shard's stream fails as a whole once the shard has passed on.
 */
export const ACQUIRE = script(
  "lease-acquire",
  PRELUDE,
  `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local held = redis.call('HMGET', lease, 'owner', 'fence', 'until')
if held[1] and held[1] ~= consumer and tonumber(held[3]) > now then return nil end
local next_fence = now
if held[2] then
  if tonumber(held[2]) >= now then next_fence = tonumber(held[2]) + 1 end
  redis.call('DEL', lease .. ':' .. held[2])
end
local text = string.format('%.0f', next_fence)
redis.call('HSET', lease, 'owner', consumer, 'fence', text,
  'until', string.format('%.0f', now + tonumber(ARGV[4]) * 1000))
redis.call('XGROUP', 'CREATE', lease .. ':' .. text, group, '$', 'MKSTREAM')
return next_fence`,
);

/** ARGV: lease milliseconds. A lease that has run out is renewed while nobody else has taken the shard. */
export const RENEW = script(
  "lease-renew",
  PRELUDE,
  `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
redis.call('HSET', lease, 'until', string.format('%.0f', now + tonumber(ARGV[4]) * 1000))
return 1`,
);

/** Frees the shard at once; the fence stays, so that the next is higher. */
export const RELEASE = script(
  "lease-release",
  PRELUDE,
  `
redis.call('HSET', lease, 'until', '0')
redis.call('DEL', lease .. ':' .. fence)
return 1`,
);

/** DELCONSUMER would drop what is pending; so only when nothing is. */
export const LEAVE = script(
  "group-leave",
  PRELUDE,
  `
if #redis.call('XPENDING', stream, group, '-', '+', 1, consumer) > 0 then return 0 end
return redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer)`,
);

/** KEYS: replicas. ARGV: consumer, milliseconds to live. Answers how many live. */
export const ANNOUNCE = script(
  "replicas-announce",
  `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
return redis.call('ZCARD', KEYS[1])`,
);

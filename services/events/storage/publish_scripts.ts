import type { RedisScript } from "@mainstay/adapters/redis";

/**
 * Appends what many callers publish, in one command. For 50 events it takes a
 * third of the client's time that 50 XADD take, and no more of the server's.
 *
 * KEYS  streams
 * ARGV  timestamp, then per event its stream (index), type, aggregate, data and
 *       headers
 *
 * Answers per event its stream id, or `-` and why its stream cannot be written.
 * What keeps a server from writing at all (memory, a replica) is the command's
 * own error: it shows at the first write or not at all.
 */
export const APPEND_ALL: RedisScript = {
  name: "append-all",
  source: `
local answer, wrote = {}, false
for i = 2, #ARGV, 5 do
  local id = redis.pcall('XADD', KEYS[tonumber(ARGV[i])], '*',
    'event', ARGV[i + 1], 'aggregateId', ARGV[i + 2],
    'data', ARGV[i + 3], 'headers', ARGV[i + 4], 'timestamp', ARGV[1])
  if type(id) == 'string' then
    wrote = true
  elseif wrote or string.find(id.err, 'WRONGTYPE', 1, true) then
    id = '-' .. id.err
  else
    return id
  end
  answer[#answer + 1] = id
end
return answer
`,
};

/**
 * Appends what many callers publish under keys, unless it is there already, and
 * remembers it: each call's part all or nothing, one after the other however
 * many race.
 *
 * KEYS  streams and records
 * ARGV  timestamp, ttlSeconds, touch, then per part its stream (index), record
 *       and fingerprint of the call (`0`, `-` without), number of events, and
 *       per event its record and fingerprint, type, aggregate, data and headers
 *
 * Answers per part one line per event, its stream id, with `=` before it if it
 * was there already; or one line for the part, `-` and why it is refused:
 * `-CONFLICT` if a key was used with another body. What keeps a server from
 * writing at all is the command's own error.
 *
 * A record is `<fingerprint> <id> …`. `touch` is `1` if replicas are waited for:
 * WAIT looks at this connection's last write, so finding a duplicate must be one.
 */
export const APPEND_ONCE: RedisScript = {
  name: "append-once",
  source: `
local timestamp, ttl, touch = ARGV[1], ARGV[2], ARGV[3] == '1'
local WIDTH = 6
local answer, wrote = {}, false
-- By record, what it was used for and became, as far as looked at by now.
local prints, ids = {}, {}

-- Its words, or why it cannot be used.
local function known(record, fingerprint)
  local value = redis.pcall('GET', KEYS[record])
  if not value then return nil end
  if type(value) == 'table' then return nil, value.err end
  local words = {}
  for word in string.gmatch(value, '%S+') do words[#words + 1] = word end
  if words[1] ~= fingerprint then return nil, 'CONFLICT' end
  if touch then
    local reply = redis.pcall('SET', KEYS[record], value, 'KEEPTTL')
    if reply.err then return nil, reply.err end
    wrote = true
  end
  return words
end

-- Why the events from first to last cannot be appended, before any is.
local function refusalOf(first, last)
  for i = first, last, WIDTH do
    local record, fingerprint = tonumber(ARGV[i]), ARGV[i + 1]
    if record > 0 then
      if not prints[record] then
        local words, refusal = known(record, fingerprint)
        if refusal then return refusal end
        prints[record] = fingerprint
        if words then ids[record] = words[2] end
      elseif prints[record] ~= fingerprint then
        return 'CONFLICT'
      end
    end
  end
end

local function append(at, first, last)
  local stream, call = KEYS[tonumber(ARGV[at])], tonumber(ARGV[at + 1])
  if call > 0 then
    local words, refusal = known(call, ARGV[at + 2])
    if refusal then return refusal end
    if words then
      for i = 2, #words do answer[#answer + 1] = '=' .. words[i] end
      return
    end
  end
  local refusal = refusalOf(first, last)
  if refusal then return refusal end
  local all = call > 0 and {}
  for i = first, last, WIDTH do
    local record = tonumber(ARGV[i])
    local id = ids[record]
    if id then
      answer[#answer + 1] = '=' .. id
    else
      id = redis.pcall('XADD', stream, '*',
        'event', ARGV[i + 2], 'aggregateId', ARGV[i + 3],
        'data', ARGV[i + 4], 'headers', ARGV[i + 5], 'timestamp', timestamp)
      if type(id) == 'table' then return id.err end
      wrote = true
      answer[#answer + 1] = id
      if record > 0 then
        ids[record] = id
        redis.call('SET', KEYS[record], ARGV[i + 1] .. ' ' .. id, 'EX', ttl)
      end
    end
    if all then all[#all + 1] = id end
  end
  if all then
    local value = ARGV[at + 2] .. ' ' .. table.concat(all, ' ')
    redis.call('SET', KEYS[call], value, 'EX', ttl)
  end
end

local at, count = 4, #ARGV
while at <= count do
  local first = at + 4
  local next = first + tonumber(ARGV[at + 3]) * WIDTH
  local before = #answer
  local refusal = append(at, first, next - WIDTH)
  if refusal then
    for i = #answer, before + 1, -1 do answer[i] = nil end
    if not wrote and refusal ~= 'CONFLICT' and
      not string.find(refusal, 'WRONGTYPE', 1, true) then
      return redis.error_reply(refusal)
    end
    -- What a refused part was to be is not what a later one has to match.
    for i = first, next - WIDTH, WIDTH do
      local record = tonumber(ARGV[i])
      if not ids[record] then prints[record] = nil end
    end
    answer[#answer + 1] = '-' .. refusal
  end
  at = next
end
return answer
`,
};

/**
 * Claims keys, each for one body, before shards are written that know nothing
 * of each other: all of them or none.
 *
 * KEYS  claims
 * ARGV  ttlSeconds, token of the call, and per claim its fingerprint
 *
 * A claim is `<fingerprint> <token>` until a second call takes part in it, then
 * `<fingerprint>`: what only one call knows of, that call may give back.
 *
 * Answers 1, or 0 if a key is claimed for another body.
 */
export const CLAIM: RedisScript = {
  name: "claim",
  source: `
local missing, alone = {}, {}
for i, key in ipairs(KEYS) do
  local claim, fingerprint = redis.call('GET', key), ARGV[i + 2]
  if not claim then
    missing[#missing + 1] = i
  elseif string.sub(claim, 1, #fingerprint) ~= fingerprint then
    return 0
  elseif claim ~= fingerprint then
    alone[#alone + 1] = i
  end
end
for _, i in ipairs(missing) do
  redis.call('SET', KEYS[i], ARGV[i + 2] .. ' ' .. ARGV[2], 'EX', ARGV[1])
end
for _, i in ipairs(alone) do
  redis.call('SET', KEYS[i], ARGV[i + 2], 'KEEPTTL')
end
return 1
`,
};

/** Gives back what only this call has claimed. KEYS and ARGV as for {@link CLAIM}. */
export const UNCLAIM: RedisScript = {
  name: "unclaim",
  source: `
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[i + 2] .. ' ' .. ARGV[2] then
    redis.call('DEL', key)
  end
end
return 1
`,
};

#!lua name=tideline
-- What the edge may do in Redis: one function, called once for every visitor's request.
-- Arguments and replies are described in docs/redis.md, built and read by components/protocol/src/function.rs.
-- The private service's functions are in tideline_service.lua: the edge's token does not reach them.

local SESSION_SECONDS = 24 * 60 * 60
local SEEN_MILLISECONDS = 2 * 60 * 1000
local LEDGER_SECONDS = 3 * 24 * 60 * 60
local MOST_REQUESTS = 64
local KEYS_EACH = 5

-- Why this source may not send this, or nil.
local function refusal(source_key, bridge)
  local settings = redis.call('HMGET', source_key, 'enabled', 'types', 'name')
  local enabled, types, name = settings[1], settings[2], settings[3]
  if not enabled then return { 'unknown-source' } end
  if enabled ~= '1' then return { 'disabled-source' } end
  if not string.find(',' .. types .. ',', ',' .. bridge .. ',', 1, true) then
    return { 'wrong-bridge', name, types }
  end
  return nil
end

-- Takes in one request whose source is in order.
local function accept(keys, request)
  local before = redis.call('GET', keys.seen)
  if before then return { 'repeated', before } end
  -- Asked first: a session must not be reserved by a request that cannot be stored.
  if redis.call('EXISTS', keys.events) == 0 then return { 'no-lane' } end

  -- The first of any number of parallel requests decides which profile the session has.
  local known = redis.call('SET', keys.session, request.profile, 'NX', 'GET', 'EX', SESSION_SECONDS)
  local flags = 0
  if known then
    redis.call('EXPIRE', keys.session, SESSION_SECONDS)
  else
    flags = request.minted and 3 or 1
  end
  local profile = known or request.profile

  local entry = request.fields
  entry[#entry + 1] = 'pro'
  entry[#entry + 1] = profile
  entry[#entry + 1] = 'new'
  entry[#entry + 1] = tostring(flags)
  local id = redis.call('XADD', keys.events, 'NOMKSTREAM', '*', unpack(entry))
  redis.call('SET', keys.seen, profile, 'PX', SEEN_MILLISECONDS)
  redis.call('HINCRBY', keys.ledger, request.source .. '|accepted', request.events)
  redis.call('EXPIRE', keys.ledger, LEDGER_SECONDS)
  return { 'accepted', profile, id }
end

-- KEYS, for each request: source, events, session, seen, ledger.
-- ARGV: the number of requests; for each: bridge, source, profile candidate, 1 if it was minted now,
-- number of events, number of fields, then each field's name and value.
local function track_v1(keys, args)
  local count = tonumber(args[1])
  if not count or count < 1 or count > MOST_REQUESTS or #keys ~= count * KEYS_EACH then
    return redis.error_reply('ERR track_v1 takes 1 to ' .. MOST_REQUESTS .. ' requests with ' .. KEYS_EACH .. ' keys each')
  end
  local replies, at = {}, 2
  for number = 1, count do
    local first = (number - 1) * KEYS_EACH
    local fields = tonumber(args[at + 5])
    if not fields or not args[at + 5 + 2 * fields] then
      return redis.error_reply('ERR track_v1 request ' .. number .. ' is cut short')
    end
    local bridge, events = args[at], tonumber(args[at + 4])
    local request = {
      source = args[at + 1],
      profile = args[at + 2],
      minted = args[at + 3] == '1',
      events = events,
      fields = { unpack(args, at + 6, at + 5 + 2 * fields) },
    }
    at = at + 6 + 2 * fields
    replies[number] = refusal(keys[first + 1], bridge)
      or events == 0 and { 'empty' }
      or accept({
        events = keys[first + 2],
        session = keys[first + 3],
        seen = keys[first + 4],
        ledger = keys[first + 5],
      }, request)
  end
  return replies
end

redis.register_function('track_v1', track_v1)

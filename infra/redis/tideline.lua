#!lua name=tideline
-- What the edge may do in Redis: one function, called once for every visitor's request.
-- Arguments and replies are described in docs/redis.md, built and read by components/protocol/src/function.rs.
-- The private service's functions are in tideline_service.lua: the edge's token does not reach them.

local SESSION_SECONDS = 24 * 60 * 60
local SEEN_MILLISECONDS = 2 * 60 * 1000
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
    -- The same again, for its time to live: the edge has no right to EXPIRE, which can delete.
    redis.call('SET', keys.session, known, 'EX', SESSION_SECONDS)
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
  -- settle_v1 gives the ledger its time to live.
  redis.call('HINCRBY', keys.ledger, request.source .. '|accepted', request.events)
  return { 'accepted', profile, id }
end

-- The requests of a call, or what is wrong with it. Nothing is written before all of them are read.
local function read_requests(keys, args)
  local count = tonumber(args[1])
  if not count or count < 1 or count > MOST_REQUESTS or #keys ~= count * KEYS_EACH then
    return nil, 'takes 1 to ' .. MOST_REQUESTS .. ' requests with ' .. KEYS_EACH .. ' keys each'
  end
  local requests, at = {}, 2
  for number = 1, count do
    local events, fields = tonumber(args[at + 4]), tonumber(args[at + 5])
    if not events or events < 0 or events % 1 ~= 0 then
      return nil, 'request ' .. number .. ' has no number of events'
    end
    if not fields or fields < 1 or not args[at + 5 + 2 * fields] then
      return nil, 'request ' .. number .. ' is cut short'
    end
    local first = (number - 1) * KEYS_EACH
    requests[number] = {
      keys = {
        source = keys[first + 1],
        events = keys[first + 2],
        session = keys[first + 3],
        seen = keys[first + 4],
        ledger = keys[first + 5],
      },
      bridge = args[at],
      source = args[at + 1],
      profile = args[at + 2],
      minted = args[at + 3] == '1',
      events = events,
      fields = { unpack(args, at + 6, at + 5 + 2 * fields) },
    }
    at = at + 6 + 2 * fields
  end
  return requests
end

-- KEYS, for each request: source, events, session, seen, ledger.
-- ARGV: the number of requests; for each: bridge, source, profile candidate, 1 if it was minted now,
-- number of events, number of fields, then each field's name and value.
local function track_v1(keys, args)
  local requests, wrong = read_requests(keys, args)
  if not requests then return redis.error_reply('ERR track_v1 ' .. wrong) end
  local replies = {}
  for number, request in ipairs(requests) do
    replies[number] = refusal(request.keys.source, request.bridge)
      or request.events == 0 and { 'empty' }
      or accept(request.keys, request)
  end
  return replies
end

redis.register_function('track_v1', track_v1)

#!lua name=tideline
-- What the edge may do in Redis: one function that takes in visitors' requests, and two that look something up.
-- Arguments and replies are described in docs/redis.md, built and read by components/protocol/src/function.rs.
-- The private service's functions are in tideline_service.lua: the edge's token does not reach them.

local SESSION_SECONDS = 24 * 60 * 60
local SEEN_MILLISECONDS = 2 * 60 * 1000
local MOST_REQUESTS = 64
local KEYS_EACH = 6
local ARGUMENTS_EACH = 8

local SOURCE_SETTINGS = {
  'enabled', 'types', 'name', 'origins', 'bots', 'opt_out', 'rate_gap', 'rate_burst', 'transitional',
  'static', 'replace_profile_id', 'generate_profile', 'sticky_session',
}

local function read_source(key)
  local source = {}
  for number, value in ipairs(redis.call('HMGET', key, unpack(SOURCE_SETTINGS))) do
    source[SOURCE_SETTINGS[number]] = value or ''
  end
  return source
end

local function has(list, separator, item)
  return string.find(separator .. list .. separator, separator .. item .. separator, 1, true) ~= nil
end

-- Why this source may not send this, or nil.
local function refusal(source, request)
  local facts = request.facts
  if source.enabled == '' then return { 'unknown-source' } end
  if source.enabled ~= '1' then return { 'disabled-source' } end
  if not has(source.types, ',', request.bridge) then return { 'wrong-bridge', source.name, source.types } end
  if source.origins ~= '' and request.origin ~= '' and not has(source.origins, ' ', request.origin) then
    return { 'wrong-origin' }
  end
  if facts.bot and source.bots ~= 'accept' then return { 'bot' } end
  if request.events == 0 then return { 'empty' } end
  if facts['opted-out'] and source.opt_out == 'drop' then return { 'dropped' } end
  if facts['opted-out'] and source.opt_out == 'anonymous' then return { 'anonymous-only' } end
  if request.bridge == 'webhook' and not facts.identified
    and (source.replace_profile_id ~= '' or source.generate_profile ~= '') then
    return { 'identify', source.replace_profile_id, source.generate_profile, source.sticky_session }
  end
  return nil
end

-- Whether the source vouches for the claimed profile: its webhook's properties told it. Session ids are no secret, so
-- whoever used this one before does not get what is told of another.
local function vouches(request)
  return request.facts.identified and request.claim ~= ''
end

-- Whose the events are: the profile id, empty if nobody's. Or nil, and why nobody can say.
-- `known` is the session's profile: empty while it has none, false for a session that nobody knows.
local function owner(source, request, known)
  if vouches(request) then return request.claim end
  if request.facts['known-session-only'] and not known then return nil, { 'unknown-session' } end
  if request.profile == '' then return '' end
  if known and known ~= '' then return known end
  if source.static == '1' then
    if request.claim == '' then return nil, { 'profile-required' } end
    return request.claim
  end
  if request.facts.doubtful then return nil, { 'unresolved' } end
  return request.profile
end

-- The parts of `new` in a stream entry.
local function novelty(request, known, profile)
  local session = known == false and not request.facts['session-less']
  local minted = request.facts.minted and profile == request.profile and profile ~= '' and known ~= profile
  return (session and 1 or 0) + (minted and 2 or 0)
end

-- Counts the events against the source's rate, or says why not. The generic cell rate algorithm: what is kept is when
-- the events so far would have come one after the other, in microseconds.
local function above_rate(source, request)
  local gap = tonumber(source.rate_gap)
  if not gap then return nil end
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local due = math.max(now, tonumber(redis.call('GET', request.keys.rate)) or 0)
  local excess = due - now - gap * (tonumber(source.rate_burst) - 1)
  if excess > 0 then return { 'limited', string.format('%.0f', math.ceil(excess / 1000)) } end
  due = due + gap * request.events
  redis.call('SET', request.keys.rate, string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000))
  return nil
end

-- Takes in one request that its source allows.
local function accept(source, request)
  local keys = request.keys
  local transitional = source.transitional == '1' and '1' or '0'
  local before = redis.call('GET', keys.seen)
  if before then return { 'repeated', before, transitional } end
  -- Asked first: a session must not be reserved by a request that cannot be stored.
  if redis.call('EXISTS', keys.events) == 0 then return { 'no-lane' } end

  local known = redis.call('GET', keys.session)
  local profile, unsettled = owner(source, request, known)
  if not profile then return unsettled end
  local limited = above_rate(source, request)
  if limited then return limited end

  local entry = request.fields
  for _, part in ipairs({ 'pro', profile, 'new', tostring(novelty(request, known, profile)), 'tra', transitional }) do
    entry[#entry + 1] = part
  end
  if vouches(request) then
    entry[#entry + 1] = 'vou'
    entry[#entry + 1] = '1'
  end
  local id = redis.call('XADD', keys.events, 'NOMKSTREAM', '*', unpack(entry))
  -- The first of any number of parallel requests decides which profile the session has. A known one lives on: it is
  -- written again because the edge has no right to EXPIRE, which can delete.
  if known and known ~= '' then
    redis.call('SET', keys.session, known, 'EX', SESSION_SECONDS)
  elseif not request.facts['session-less'] then
    redis.call('SET', keys.session, profile, 'EX', SESSION_SECONDS)
  end
  redis.call('SET', keys.seen, profile, 'PX', SEEN_MILLISECONDS)
  -- settle_v1 gives the ledger its time to live.
  redis.call('HINCRBY', keys.ledger, request.source .. '|accepted', request.events)
  return { 'accepted', profile, transitional, id }
end

local function words(text)
  local set = {}
  for word in string.gmatch(text, '%S+') do set[word] = true end
  return set
end

-- The requests of a call, or what is wrong with it. Nothing is written before all of them are read.
local function read_requests(keys, args)
  local count = tonumber(args[1])
  if not count or count < 1 or count > MOST_REQUESTS or #keys ~= count * KEYS_EACH then
    return nil, 'takes 1 to ' .. MOST_REQUESTS .. ' requests with ' .. KEYS_EACH .. ' keys each'
  end
  local requests, at = {}, 2
  for number = 1, count do
    local events, fields = tonumber(args[at + 6]), tonumber(args[at + 7])
    if not events or events < 0 or events % 1 ~= 0 then
      return nil, 'request ' .. number .. ' has no number of events'
    end
    local last = fields and at + ARGUMENTS_EACH - 1 + 2 * fields
    if not last or fields < 1 or not args[last] then
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
        rate = keys[first + 6],
      },
      bridge = args[at],
      source = args[at + 1],
      facts = words(args[at + 2]),
      origin = args[at + 3],
      profile = args[at + 4],
      claim = args[at + 5],
      events = events,
      fields = { unpack(args, at + ARGUMENTS_EACH, last) },
    }
    at = last + 1
  end
  return requests
end

-- KEYS, for each request: source, events, session, seen, ledger, rate.
-- ARGV: the number of requests; for each: bridge, source, facts, origin, profile candidate, claimed profile,
-- number of events, number of fields, then each field's name and value.
local function track_v1(keys, args)
  local requests, wrong = read_requests(keys, args)
  if not requests then return redis.error_reply('ERR track_v1 ' .. wrong) end
  local replies, sources = {}, {}
  for number, request in ipairs(requests) do
    local key = request.keys.source
    sources[key] = sources[key] or read_source(key)
    local source = sources[key]
    replies[number] = refusal(source, request) or accept(source, request)
  end
  return replies
end

-- KEYS: a profile id's alias. The id that it stands for now, or nil.
local function track_alias_v1(keys)
  return redis.call('GET', keys[1])
end

-- KEYS: a redirect. Its address, source, event type and template of properties, or nil.
local function track_redirect_v1(keys)
  local redirect = redis.call('HMGET', keys[1], 'url', 'source', 'type', 'props', 'enabled')
  if redirect[5] ~= '1' then return nil end
  redirect[5] = nil
  return redirect
end

-- Databases that lock whole while a script runs, unless it declares all its keys, get one more flag for each function, as
-- ours do declare them: `tideline provision` puts it in.
redis.register_function{
  function_name = 'track_v1',
  callback = track_v1,
  flags = { },
}
redis.register_function{
  function_name = 'track_alias_v1',
  callback = track_alias_v1,
  flags = { 'no-writes' },
}
redis.register_function{
  function_name = 'track_redirect_v1',
  callback = track_redirect_v1,
  flags = { 'no-writes' },
}

#!lua name=tideline
-- What the edge may do in Redis: one function that takes in visitors' requests, and two that look something up.
-- Arguments and replies are described in docs/redis.md, built and read by components/protocol/src/function.rs.
-- The private service's functions are in tideline_service.lua: the edge's token does not reach them.

-- Times are strings: a number would be written out anew at each use. A session is written again when it has less than a day
-- left, and lives that and an hour more, so that most requests need not.
local SESSION_SECONDS = '90000'
local RENEWED_BELOW = 24 * 60 * 60 * 1000
local SEEN_MILLISECONDS = '120000'
local MOST_REQUESTS = 64

-- A request's keys, by their place.
local SOURCE, EVENTS, SESSION, SEEN, LEDGER, RATE, PERSONAL = 1, 2, 3, 4, 5, 6, 7
local KEYS_EACH = 7
local ARGUMENTS_EACH = 8

local SOURCE_SETTINGS = {
  'enabled', 'types', 'name', 'origins', 'bots', 'opt_out', 'rate_gap', 'rate_burst', 'transitional',
  'static', 'replace_profile_id', 'generate_profile', 'sticky_session', 'returns',
}

-- The `new` of an entry, by what is new.
local NOVELTY = { [false] = { [false] = '0', [true] = '2' }, [true] = { [false] = '1', [true] = '3' } }

local function set_of(text, item)
  local set = {}
  for found in string.gmatch(text, item) do set[found] = true end
  return set
end

local function key(request, which)
  return request.all_keys[request.keys_before + which]
end

local function read_source(request)
  local source = {}
  for number, value in ipairs(redis.call('HMGET', key(request, SOURCE), unpack(SOURCE_SETTINGS))) do
    source[SOURCE_SETTINGS[number]] = value or ''
  end
  source.bridges = set_of(source.types, '[^,]+')
  source.sites = source.origins ~= '' and set_of(source.origins, '%S+')
  return source
end

-- Why this source may not send this, or nil.
local function refusal(source, request)
  local facts = request.facts
  if source.enabled == '' then return { 'unknown-source' } end
  if source.enabled ~= '1' then return { 'disabled-source' } end
  if not source.bridges[request.bridge] then return { 'wrong-bridge', source.name, source.types } end
  if source.sites and request.origin ~= '' and not source.sites[request.origin] then return { 'wrong-origin' } end
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
  local minted = request.facts.minted == true and profile == request.profile and profile ~= '' and known ~= profile
  return NOVELTY[session][minted]
end

-- Counts the events against the source's rate, or says why not. The generic cell rate algorithm: what is kept is when
-- the events so far would have come one after the other, in microseconds.
local function above_rate(source, request)
  local gap = tonumber(source.rate_gap)
  if not gap then return nil end
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local due = math.max(now, tonumber(redis.call('GET', key(request, RATE))) or 0)
  local excess = due - now - gap * (tonumber(source.rate_burst) - 1)
  if excess > 0 then return { 'limited', string.format('%.0f', math.ceil(excess / 1000)) } end
  due = due + gap * request.events
  redis.call('SET', key(request, RATE), string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000))
  return nil
end

-- Appends the request to its lane: the entry's id, or false if there is no such stream.
local function append(request, profile, new, transitional)
  local stream, args, first, last = key(request, EVENTS), request.all_args, request.fields_from, request.fields_to
  if vouches(request) then
    return redis.call('XADD', stream, 'NOMKSTREAM', '*', 'pro', profile, 'new', new, 'tra', transitional, 'vou', '1',
      unpack(args, first, last))
  end
  return redis.call('XADD', stream, 'NOMKSTREAM', '*', 'pro', profile, 'new', new, 'tra', transitional,
    unpack(args, first, last))
end

-- The first of any number of parallel requests decides which profile the session has. A known one lives on: it is written
-- again because the edge has no right to EXPIRE, which can delete.
local function keep_session(request, known, profile)
  local session = key(request, SESSION)
  if known and known ~= '' then
    if redis.call('PTTL', session) < RENEWED_BELOW then redis.call('SET', session, known, 'EX', SESSION_SECONDS) end
  elseif not request.facts['session-less'] then
    redis.call('SET', session, profile, 'EX', SESSION_SECONDS)
  end
end

-- What the source lets the session's page know of its profile: empty if it is nothing, or of somebody else.
local function personal(source, request, known, profile)
  if source.returns ~= '1' or profile == '' or profile ~= known then return '' end
  return redis.call('HGET', key(request, PERSONAL), request.source) or ''
end

-- Takes in one request that its source allows.
local function accept(source, request, count)
  local transitional = source.transitional == '1' and '1' or '0'
  local before, known = unpack(redis.call('MGET', key(request, SEEN), key(request, SESSION)))
  if before then return { 'repeated', before, transitional, '', personal(source, request, known, before) } end

  local profile, unsettled = owner(source, request, known)
  if not profile then return unsettled end
  local limited = above_rate(source, request)
  if limited then return limited end

  -- Before the session is reserved, as the stream may not be there.
  local id = append(request, profile, novelty(request, known, profile), transitional)
  if not id then return { 'no-lane' } end
  keep_session(request, known, profile)
  redis.call('SET', key(request, SEEN), profile, 'PX', SEEN_MILLISECONDS)
  count(request)
  return { 'accepted', profile, transitional, id, personal(source, request, known, profile) }
end

-- The requests of a call, or what is wrong with it. Nothing is written before all of them are read.
local function read_requests(keys, args)
  local count = tonumber(args[1])
  if not count or count < 1 or count > MOST_REQUESTS or #keys ~= count * KEYS_EACH then
    return nil, 'takes 1 to ' .. MOST_REQUESTS .. ' requests with ' .. KEYS_EACH .. ' keys each'
  end
  local requests, facts, at = {}, {}, 2
  for number = 1, count do
    local events, fields = tonumber(args[at + 6]), tonumber(args[at + 7])
    if not events or events < 0 or events % 1 ~= 0 then
      return nil, 'request ' .. number .. ' has no number of events'
    end
    local last = fields and at + ARGUMENTS_EACH - 1 + 2 * fields
    if not last or fields < 1 or not args[last] then
      return nil, 'request ' .. number .. ' is cut short'
    end
    local words = args[at + 2]
    facts[words] = facts[words] or set_of(words, '%S+')
    requests[number] = {
      all_keys = keys,
      keys_before = (number - 1) * KEYS_EACH,
      bridge = args[at],
      source = args[at + 1],
      facts = facts[words],
      origin = args[at + 3],
      profile = args[at + 4],
      claim = args[at + 5],
      events = events,
      all_args = args,
      fields_from = at + ARGUMENTS_EACH,
      fields_to = last,
    }
    at = last + 1
  end
  return requests
end

-- Counts events of requests that were taken in; settle_v1 gives the ledgers their time to live.
local function ledgers()
  local counted = {}
  local function count(request)
    local ledger = key(request, LEDGER)
    counted[ledger] = counted[ledger] or {}
    counted[ledger][request.source] = (counted[ledger][request.source] or 0) + request.events
  end
  local function write()
    for ledger, sources in pairs(counted) do
      for source, events in pairs(sources) do redis.call('HINCRBY', ledger, source .. '|accepted', events) end
    end
  end
  return count, write
end

-- KEYS, for each request: source, events, session, seen, ledger, rate, personal.
-- ARGV: the number of requests; for each: bridge, source, facts, origin, profile candidate, claimed profile,
-- number of events, number of fields, then each field's name and value.
local function track_v1(keys, args)
  local requests, wrong = read_requests(keys, args)
  if not requests then return redis.error_reply('ERR track_v1 ' .. wrong) end
  local replies, sources = {}, {}
  local count, write_ledgers = ledgers()
  local whole, problem = pcall(function()
    for number, request in ipairs(requests) do
      -- A source has the same settings in all lanes, but for the moment in which a change is published.
      local source = sources[request.source] or read_source(request)
      sources[request.source] = source
      replies[number] = refusal(source, request) or accept(source, request, count)
    end
  end)
  -- Whatever stopped it: what was taken in is counted.
  write_ledgers()
  if not whole then error(problem) end
  return replies
end

-- KEYS: aliases of profile ids. For each the id that it stands for now, or nil.
local function track_alias_v1(keys)
  return redis.call('MGET', unpack(keys))
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

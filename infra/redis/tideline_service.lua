#!lua name=tideline_service
-- What the private service does in Redis in one step: own a lane, read it, settle what it has read, move a session.
-- Described in docs/redis.md, called by gui-api/intake. The edge's token does not reach these functions.
-- All keys of a call belong to one lane, but for replica_v1, which has one key.

local GROUP = 'tideline'
-- One name for all owners of a lane: whoever owns it next finds all that is pending as its own.
local CONSUMER = 'intake'
local LEDGER_SECONDS = 3 * 24 * 60 * 60
-- As long as track_v1 knows a request.
local SEEN_MILLISECONDS = 2 * 60 * 1000
-- More cannot be handed to a command at once; the edge writes some thirty.
local MOST_FIELD_PARTS = 2000

-- Says that a replica lives, and counts those that do.
-- KEYS: the replicas. ARGV: this replica, milliseconds until it counts as gone (0: it leaves now).
local function replica_v1(keys, args)
  local now = redis.call('TIME')
  local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
  redis.call('ZREMRANGEBYSCORE', keys[1], '-inf', now_ms)
  if args[2] == '0' then
    redis.call('ZREM', keys[1], args[1])
  else
    redis.call('ZADD', keys[1], now_ms + args[2], args[1])
    redis.call('PEXPIRE', keys[1], 10 * args[2])
  end
  return redis.call('ZCARD', keys[1])
end

-- Takes a lane that is free, or keeps one that is owned.
-- KEYS: lease, events. ARGV: owner, milliseconds. Returns 0: another's, 1: kept, 2: taken.
local function lease_v1(keys, args)
  local holder = redis.call('GET', keys[1])
  if holder and holder ~= args[1] then return 0 end
  redis.call('SET', keys[1], args[1], 'PX', args[2])
  -- An error is the usual case: the group is there.
  redis.pcall('XGROUP', 'CREATE', keys[2], GROUP, '0', 'MKSTREAM')
  return holder and 1 or 2
end

-- Gives a lane back. KEYS: lease. ARGV: owner. Returns 1, or 0 when it is another's.
local function release_v1(keys, args)
  if redis.call('GET', keys[1]) ~= args[1] then return 0 end
  return redis.call('DEL', keys[1])
end

-- Reads a lane, for its owner alone: what a former owner took too late would be out of order.
-- KEYS: lease, events. ARGV: owner, 'pending' or 'new', most entries, bytes after which no more are read.
-- Returns the id up to which the lane has been handed out, the length of the stream, and entries of
-- { id, fields (nothing if the entry was deleted), times it was handed out }; or nothing when the lane is another's.
local function read_v1(keys, args)
  if redis.call('GET', keys[1]) ~= args[1] then return false end
  local pending = args[2] == 'pending'
  local most, bytes_left = tonumber(args[3]), tonumber(args[4])
  local entries, from = {}, pending and '0' or '>'
  while #entries < most and bytes_left > 0 do
    local reply = redis.call('XREADGROUP', 'GROUP', GROUP, CONSUMER, 'COUNT', 1, 'STREAMS', keys[2], from)
    local entry = reply and reply[1][2][1]
    if not entry then break end
    local id, fields, times = entry[1], entry[2], 1
    for _, part in ipairs(fields or {}) do bytes_left = bytes_left - #part end
    if pending then
      from = id
      times = redis.call('XPENDING', keys[2], GROUP, id, id, 1)[1][4]
    end
    entries[#entries + 1] = { id, fields, times }
  end
  local handed_out = '0-0'
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', keys[2])) do
    -- { 'name', name, 'consumers', n, 'pending', n, 'last-delivered-id', id, ... }
    if group[2] == GROUP then handed_out = group[8] end
  end
  return { handed_out, redis.call('XLEN', keys[2]), entries }
end

-- Notes that an entry is about to be processed alone, because processing it ended the service before.
-- KEYS: events. ARGV: entry, the number of times that its pending entry is to say.
local function suspect_v1(keys, args)
  redis.call('XCLAIM', keys[1], GROUP, CONSUMER, 0, args[1], 'RETRYCOUNT', args[2], 'JUSTID')
  return redis.status_reply('OK')
end

-- Copies an entry, with the reason why it could not be processed.
local function bury(events, dead, id, reason)
  local found = redis.call('XRANGE', events, id, id)
  local fields = found[1] and found[1][2] or {}
  local copy = { unpack(fields, 1, math.min(#fields, MOST_FIELD_PARTS)) }
  copy[#copy + 1] = 'entry'
  copy[#copy + 1] = id
  copy[#copy + 1] = 'reason'
  copy[#copy + 1] = reason
  redis.call('XADD', dead, '*', unpack(copy))
end

-- Counts in the ledger of the minute, where the source was counted when its request was accepted.
local function count(ledger, source, outcome, events)
  if events == 0 or redis.call('HEXISTS', ledger, source .. '|accepted') == 0 then return end
  redis.call('HINCRBY', ledger, source .. '|' .. outcome, events)
  redis.call('EXPIRE', ledger, LEDGER_SECONDS)
end

-- Deletes what all have done with: entries before the first pending one.
local function trim(events)
  local first_pending = redis.call('XPENDING', events, GROUP)[2]
  if first_pending then return redis.call('XTRIM', events, 'MINID', first_pending) end
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', events)) do
    if group[2] == GROUP then
      redis.call('XTRIM', events, 'MINID', group[8])
      redis.call('XDEL', events, group[8])
    end
  end
end

-- What events can have become, in the order of settle_v1's and settle_v2's arguments.
local OUTCOMES = { 'stored', 'duplicate', 'dead', 'passed' }

-- What is to be settled, or what is wrong with it. Nothing is written before all of it is read.
local function read_settlement(keys, args, arguments_each)
  if #args % arguments_each ~= 0 then return nil, 'takes ' .. arguments_each .. ' arguments for each entry' end
  local entries = {}
  for at = 1, #args, arguments_each do
    local entry = { id = args[at], ledger = keys[tonumber(args[at + 1])], source = args[at + 2], reason = args[at + 7] }
    local is_whole = entry.ledger ~= nil
    for place in ipairs(OUTCOMES) do
      entry[place] = tonumber(args[at + 2 + place])
      is_whole = is_whole and entry[place] ~= nil
    end
    if arguments_each > 8 then
      entry.is_uncounted = args[at + 8] == '1'
      entry.seen, entry.profile = keys[tonumber(args[at + 9])], args[at + 10]
      is_whole = is_whole and (entry.seen ~= nil or args[at + 9] == '')
    end
    if not is_whole then return nil, 'cannot read what became of entry ' .. entry.id end
    entries[#entries + 1] = entry
  end
  return entries
end

-- Counts what became of an entry's events; that they were accepted as well, if nobody has yet.
local function count_entry(entry, sums)
  local all = 0
  for place in ipairs(OUTCOMES) do all = all + entry[place] end
  if entry.is_uncounted and all > 0 then
    redis.call('HINCRBY', entry.ledger, entry.source .. '|accepted', all)
  end
  for place, outcome in ipairs(OUTCOMES) do
    sums[place] = sums[place] + entry[place]
    count(entry.ledger, entry.source, outcome, entry[place])
  end
end

local function settle(keys, args, name, arguments_each)
  local events, dead = keys[1], keys[2]
  local entries, wrong = read_settlement(keys, args, arguments_each)
  if not entries then return redis.error_reply('ERR ' .. name .. ' ' .. wrong) end
  local settled, sums = 0, { 0, 0, 0, 0 }
  for _, entry in ipairs(entries) do
    -- Whoever finds an entry pending counts it: the same call again, or another owner's, changes nothing.
    -- It is acknowledged last, because Redis takes nothing back when a step fails.
    if redis.call('XPENDING', events, GROUP, entry.id, entry.id, 1)[1] then
      settled = settled + 1
      if entry.reason ~= '' then bury(events, dead, entry.id, entry.reason) end
      count_entry(entry, sums)
      if entry.seen then redis.call('SET', entry.seen, entry.profile, 'PX', SEEN_MILLISECONDS) end
      redis.call('XACK', events, GROUP, entry.id)
    end
  end
  trim(events)
  return { settled, sums[1], sums[2], sums[3], sums[4], redis.call('XLEN', events) }
end

-- Acknowledges entries and counts what became of their events, each exactly once.
-- KEYS: events, dead letters, ledgers and marks. ARGV, for each entry: id, place of its ledger in KEYS, source,
-- events stored, duplicate, dead, passed, the reason if it is to go to the dead letters, else '', '1' if nobody has counted
-- it as accepted, the place of the mark in KEYS by which the same request is known, else '', and that request's profile.
-- Returns how many entries were settled by this call, their events stored, duplicate, dead and passed, and the length
-- of the stream.
local function settle_v2(keys, args)
  return settle(keys, args, 'settle_v2', 11)
end

-- The same for entries that track_v1 wrote: without the last three arguments.
local function settle_v1(keys, args)
  return settle(keys, args, 'settle_v1', 8)
end

-- Gives sessions that the edge knows under one profile to another, unless it knows them under a third by now.
-- They live as long as before. KEYS: sessions. ARGV, for each: the profile that it had, the profile that it gets.
-- Returns how many were given.
local function adopt_v1(keys, args)
  local adopted = 0
  for number, session in ipairs(keys) do
    if redis.call('GET', session) == args[2 * number - 1] then
      redis.call('SET', session, args[2 * number], 'KEEPTTL')
      adopted = adopted + 1
    end
  end
  return adopted
end

-- A full Redis refuses visitors' requests; what empties it must go on.
redis.register_function({ function_name = 'replica_v1', callback = replica_v1, flags = { 'allow-oom' } })
redis.register_function({ function_name = 'lease_v1', callback = lease_v1, flags = { 'allow-oom' } })
redis.register_function({ function_name = 'release_v1', callback = release_v1, flags = { 'allow-oom' } })
redis.register_function({ function_name = 'read_v1', callback = read_v1, flags = { 'allow-oom' } })
redis.register_function({ function_name = 'suspect_v1', callback = suspect_v1, flags = { 'allow-oom' } })
redis.register_function({ function_name = 'settle_v1', callback = settle_v1, flags = { 'allow-oom' } })
redis.register_function({ function_name = 'settle_v2', callback = settle_v2, flags = { 'allow-oom' } })
redis.register_function({ function_name = 'adopt_v1', callback = adopt_v1, flags = { 'allow-oom' } })

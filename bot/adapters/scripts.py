"""What happens in Redis in one step: Lua scripts, with commands of Redis 6.2 only.

All keys of a conversation carry its id as hash tag, so that each script touches one slot of a
cluster. Everything that names a person or holds words arrives here sealed.
"""

# Fields of KEYS[1], in the clear because indexes and fences are made of them:
# version, owner, rank, since, lease_until, handed (the highest entry given to a channel), quiet
# (ranges of entries that a takeover left unsaid, each with the version that it left), `base` (how
# many of the oldest entries are gone from the log), release (which one it began with), and
# `state`, sealed.

NEWS = "fp:news"
"""The channel on which the ids of conversations are called out in which something happened. The
scripts below write its name out."""

LOAD = """
local fields = redis.call('HMGET', KEYS[1], 'version', 'state', 'base')
local length = tonumber(fields[3] or '0') + redis.call('LLEN', KEYS[3])
local time = redis.call('TIME')
return {fields[1], fields[2], redis.call('GET', KEYS[2]), length,
        redis.call('HGET', KEYS[4], ARGV[1]), redis.call('EXISTS', KEYS[5]),
        time[1] * 1000 + math.floor(time[2] / 1000)}
"""

COMMIT = """
local version, input, wrapped = ARGV[1], ARGV[2], ARGV[3]
if redis.call('EXISTS', KEYS[6]) == 1 then return {'gone'} end
local done = redis.call('HGET', KEYS[4], input)
if done then return {'repeated', done} end
local fields = redis.call('HMGET', KEYS[1], 'version', 'owner', 'since', 'handed', 'quiet', 'base')
if not fields[1] then
  if version ~= '0' then return {'gone'} end
  redis.call('SET', KEYS[2], wrapped)
elseif redis.call('EXISTS', KEYS[2]) == 0 then
  return {'gone'}
elseif fields[1] ~= version then
  return {'conflict'}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local owner, keep_for = ARGV[5], ARGV[8]
local base, most = tonumber(fields[6] or '0'), tonumber(ARGV[12])
local length = base + redis.call('LLEN', KEYS[3])
local handed = tonumber(fields[4] or '0')
local quiet = fields[5] or ''
if ARGV[10] == '1' and handed < length then
  quiet = quiet .. (handed + 1) .. '-' .. length .. '-' .. version .. ';'
end
local since = fields[3] or ''
if owner == 'waiting' and fields[2] == 'bot' then since = now end
for i = 16, #ARGV do redis.call('RPUSH', KEYS[3], ARGV[i]) end
local last = length + #ARGV - 15
if ARGV[9] == '1' then handed = last end
if ARGV[14] ~= '' then
  redis.call('ZADD', KEYS[7], now + ARGV[15], ARGV[14])
  redis.call('PEXPIRE', KEYS[7], ARGV[15] + 1000)
end
redis.call('HSET', KEYS[1], 'version', version + 1, 'state', ARGV[4], 'owner', owner,
           'rank', ARGV[6], 'lease_until', ARGV[7], 'since', since, 'handed', handed,
           'quiet', quiet, 'release', ARGV[13])
done = (length + 1) .. ':' .. last
redis.call('HSET', KEYS[4], input, done)
if last - base > most then
  -- A tenth at once, so that the inputs are looked through once in many turns.
  base = last - math.floor(most * 0.9)
  redis.call('LTRIM', KEYS[3], base - last, -1)
  redis.call('HSET', KEYS[1], 'base', base)
  local inputs = redis.call('HGETALL', KEYS[4])
  for i = 1, #inputs, 2 do
    local led_to = tonumber(string.match(inputs[i + 1], ':(%d+)'))
    if led_to <= base then redis.call('HDEL', KEYS[4], inputs[i]) end
  end
end
if ARGV[11] ~= '' then redis.call('RPUSH', KEYS[5], now .. ' ' .. ARGV[11]) end
for i = 1, 5 do redis.call('PEXPIRE', KEYS[i], keep_for) end
redis.call('PUBLISH', 'fp:news', string.match(KEYS[1], '{(.-)}'))
return {'done', done}
"""

READ = """
local fields = redis.call('HMGET', KEYS[1], 'version', 'state', 'quiet', 'base')
local wrapped = redis.call('GET', KEYS[2])
if not wrapped or not fields[1] then return {'gone'} end
local base, most, lease = tonumber(fields[4] or '0'), tonumber(ARGV[2]), tonumber(ARGV[3])
local after = math.max(tonumber(ARGV[1]), base)
local entries = redis.call('LRANGE', KEYS[3], after - base, after - base + most - 1)
if #entries > 0 and lease > 0 then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZADD', KEYS[4], now + lease, ARGV[4])
  redis.call('PEXPIRE', KEYS[4], lease + 1000)
end
local length = base + redis.call('LLEN', KEYS[3])
return {'read', fields[1], fields[2], wrapped, fields[3], length, after, entries}
"""

CLOSE_DELIVERY = """
local open_until = redis.call('ZSCORE', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
local first, last, version = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if last < first or not open_until or tonumber(open_until) < now then return 0 end
local fields = redis.call('HMGET', KEYS[1], 'handed', 'quiet')
if not fields[1] then return 0 end
if tonumber(fields[1]) < last then redis.call('HSET', KEYS[1], 'handed', last) end
-- A claim that came after the reading took it for unsaid. It waited, and now it has been said.
local quiet = string.gsub(fields[2], '(%d+)%-(%d+)%-(%d+);', function(from, to, claimed)
  from, to = tonumber(from), tonumber(to)
  if tonumber(claimed) < version or to < first or last < from then return nil end
  local left = ''
  if from < first then left = from .. '-' .. (first - 1) .. '-' .. claimed .. ';' end
  if last < to then left = left .. (last + 1) .. '-' .. to .. '-' .. claimed .. ';' end
  return left
end)
if quiet ~= fields[2] then redis.call('HSET', KEYS[1], 'quiet', quiet) end
return 1
"""

OPEN_DELIVERIES = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZCOUNT', KEYS[1], now, '+inf')
"""

TOUCH = """
local value
if ARGV[1] == '' then
  value = redis.call('GET', KEYS[1])
  if value then redis.call('SET', KEYS[1], value, 'KEEPTTL') end
else
  value = redis.call('HGET', KEYS[1], ARGV[1])
  if value then redis.call('HSET', KEYS[1], ARGV[1], value) end
end
return value and 1 or 0
"""

ERASE = """
for i = 1, #KEYS - 1 do redis.call('DEL', KEYS[i]) end
redis.call('SET', KEYS[#KEYS], '1', 'PX', ARGV[1])
redis.call('PUBLISH', 'fp:news', string.match(KEYS[1], '{(.-)}'))
return 1
"""

NOTE_ERASURE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return now
"""

RELEASE_LEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

RENEW_LEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') and 1 or 0
"""

NOTE_TIME = """
local time = redis.call('TIME')
return redis.call('SET', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000))
"""

NOW = """
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
"""

LIST = """
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
"""

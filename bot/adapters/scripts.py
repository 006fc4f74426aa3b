"""What happens in Redis in one step: Lua scripts, with commands of Redis 6.2 only.

All keys of a conversation carry its id as hash tag, so that each script touches one slot of a
cluster. Everything that names a person or holds words arrives here sealed.
"""

# Fields of KEYS[1], in the clear because indexes and fences are made of them:
# version, owner, rank, since, lease_until, handed (the highest entry given to a channel), quiet
# (ranges of entries that a takeover left unsaid), and `state`, sealed.

NEWS = "fp:news"
"""The channel on which the ids of conversations are called out in which something happened. The
scripts below write its name out."""

LOAD = """
local fields = redis.call('HMGET', KEYS[1], 'version', 'state')
local time = redis.call('TIME')
return {fields[1], fields[2], redis.call('GET', KEYS[2]), redis.call('LLEN', KEYS[3]),
        redis.call('HGET', KEYS[4], ARGV[1]), redis.call('EXISTS', KEYS[5]),
        time[1] * 1000 + math.floor(time[2] / 1000)}
"""

COMMIT = """
local version, input, wrapped = ARGV[1], ARGV[2], ARGV[3]
if redis.call('EXISTS', KEYS[6]) == 1 then return {'gone'} end
local done = redis.call('HGET', KEYS[4], input)
if done then return {'done', done} end
local fields = redis.call('HMGET', KEYS[1], 'version', 'owner', 'since', 'handed', 'quiet')
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
local length = redis.call('LLEN', KEYS[3])
local handed = tonumber(fields[4] or '0')
local quiet = fields[5] or ''
if ARGV[10] == '1' and handed < length then
  quiet = quiet .. (handed + 1) .. '-' .. length .. ';'
end
local since = fields[3] or ''
if owner == 'waiting' and fields[2] == 'bot' then since = now end
for i = 12, #ARGV do redis.call('RPUSH', KEYS[3], ARGV[i]) end
local last = length + #ARGV - 11
if ARGV[9] == '1' then handed = last end
redis.call('HSET', KEYS[1], 'version', version + 1, 'state', ARGV[4], 'owner', owner,
           'rank', ARGV[6], 'lease_until', ARGV[7], 'since', since, 'handed', handed,
           'quiet', quiet)
done = (length + 1) .. ':' .. last
redis.call('HSET', KEYS[4], input, done)
if ARGV[11] ~= '' then redis.call('RPUSH', KEYS[5], now .. ' ' .. ARGV[11]) end
for i = 1, 5 do redis.call('PEXPIRE', KEYS[i], keep_for) end
redis.call('PUBLISH', 'fp:news', string.match(KEYS[1], '{(.-)}'))
return {'done', done}
"""

READ = """
local fields = redis.call('HMGET', KEYS[1], 'version', 'state', 'handed', 'quiet')
local wrapped = redis.call('GET', KEYS[2])
if not wrapped or not fields[1] then return {'gone'} end
local after, most, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local entries = redis.call('LRANGE', KEYS[3], after, after + most - 1)
local last = after + #entries
if #entries > 0 then
  if ARGV[5] ~= '1' and tonumber(fields[3]) < last then
    redis.call('HSET', KEYS[1], 'handed', last)
  end
  if lease > 0 then
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('ZADD', KEYS[4], now + lease, ARGV[4])
    redis.call('PEXPIRE', KEYS[4], lease + 1000)
  end
end
return {'read', fields[1], fields[2], wrapped, fields[4], redis.call('LLEN', KEYS[3]), entries}
"""

OPEN_DELIVERIES = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZCOUNT', KEYS[1], now, '+inf')
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

NOW = """
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
"""

LIST = """
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
"""

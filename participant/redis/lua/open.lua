-- Makes the notebook where it is missing, and takes the participant over: whoever opened it before can promise nothing more.
-- KEYS: the notebook. ARGV: an identity for a new one, the incarnation, the newest format that we know.
local memory = KEYS[1]
redis.call('HSETNX', memory, 'format', ARGV[3])
redis.call('HSETNX', memory, 'instance', ARGV[1])
redis.call('HSETNX', memory, 'stamp', 0)
local is = redis.call('HMGET', memory, 'format', 'instance', 'stamp')
if tonumber(is[1]) > tonumber(ARGV[3]) then
	return {'refused', 0, is[1]}
end
redis.call('HSET', memory, 'incarnation', ARGV[2])
return {'ok', tonumber(is[3]), is[2]}

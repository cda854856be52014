-- Runs one command unless a branch that has promised holds one of its keys.
-- KEYS: the locks, the command's keys. ARGV: the command as it is.
for i = 2, #KEYS do
	local holder = redis.call('HGET', KEYS[1], KEYS[i])
	if holder then
		return redis.error_reply('TXCLOCKED ' .. KEYS[i] .. ' is held by ' .. holder)
	end
end
return redis.call(unpack(ARGV))

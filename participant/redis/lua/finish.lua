-- Ends a branch, or looks at it.
-- ARGV, after those of every script: the verb; of a settlement who, why and when.
local verb = ARGV[7]
local state = call('HGET', branch, 'state')

if fenced() then
	return {'fenced', stamp}
end
if state == 'promised' and verb ~= 'look' and tonumber(call('HGET', branch, 'count')) ~= #KEYS - data then
	return {'keys', stamp} -- it was not there yet when its keys were asked for
end
local applies = state == 'promised' and (verb == 'commit' or verb == 'settle-committed')
local effects = applies and cmsgpack.unpack(call('HGET', branch, 'effects')) or {}
if state and verb ~= 'look' then
	local no = forbidden(effects)
	if no then
		return redis.error_reply('NOPERM the user may not ' .. no .. ', and can end no promise: nothing was done')
	end
end

local function over(how)
	unlock()
	call('DEL', branch)
	call('SREM', doubt, name)
	call('ZADD', ended, 0, id .. how)
end

-- bury keeps a Prepare that is still on its way from promising anything (P4).
local function bury()
	if passed() then
		synced()
	else
		call('ZADD', ended, 0, id .. 'a')
	end
end

local verbs = {}

function verbs.look()
	if state == 'promised' then
		synced()
		local p = call('HMGET', branch, 'vote', 'evidence', 'results')
		return {p[1], stamp, p[2], p[3]}
	end
	local how = state == 'settled' and 'h' or fate()
	if how and how ~= 'a' then
		return {'ended', stamp, how}
	end
	bury()
	return {'none', stamp}
end

function verbs.commit()
	if state == 'promised' then
		apply(effects)
		over('c')
		counted()
		return {'now', stamp}
	end
	synced()
	if state == 'settled' then
		return {call('HGET', branch, 'outcome') == 'committed' and 'committed' or 'aborted', stamp}
	end
	local how = fate()
	return {not how and 'none' or how == 'a' and 'aborted' or 'committed', stamp}
end

function verbs.abort()
	if state == 'promised' then
		over('a')
		return {'now', stamp}
	end
	local committed = state == 'settled' and call('HGET', branch, 'outcome') == 'committed'
	local how = fate()
	if committed or how == 'c' or how == 'h' then
		synced()
		return {'committed', stamp}
	end
	if state ~= 'settled' then
		bury()
	end
	return {'now', stamp}
end

local function settle(outcome)
	if state ~= 'promised' then
		synced()
		return {'none', stamp}
	end
	if outcome == 'committed' then
		apply(effects)
		counted()
	end
	unlock()
	call('HDEL', branch, 'effects', 'results', 'keys', 'count', 'vote')
	call('HSET', branch, 'state', 'settled', 'outcome', outcome, 'who', ARGV[8], 'why', ARGV[9], 'at', ARGV[10])
	return {'now', stamp}
end

verbs['settle-committed'] = function() return settle('committed') end
verbs['settle-aborted'] = function() return settle('aborted') end

function verbs.reconcile()
	if state == 'settled' then
		over(call('HGET', branch, 'outcome') == 'committed' and 'h' or 'a')
	end
	return {'now', stamp}
end

return verbs[verb]()

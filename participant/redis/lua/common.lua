-- Begins every script of a participant. A script runs alone and whole, and what it wrote is synced before it is answered.
-- KEYS: the participant's notebook, its set of branches in doubt, its sorted set of those that ended, the locks of the
-- whole database, one branch, and then the keys of that branch's work.
-- ARGV: the database's identity, the last stamp that it told us, the branch's id with its mark (in hexadecimal digits, so
-- that they sort), its name, and the witness to keep: its coordinator, and "epoch mark lsn", empty if there is none.
local memory, doubt, ended, locks, branch = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local instance, known, id, name, coordinator, seen = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local data = 5 -- the first key of the work comes after so many others
local call = redis.call

local is = call('HMGET', memory, 'instance', 'stamp', 'incarnation', 'seen ' .. coordinator)
if is[1] ~= instance then
	return {'stopped', 0, 'the database was emptied, or replaced by another one'}
end
if tonumber(is[2]) < tonumber(known) then
	return {'stopped', 0, 'the database has lost writes that it had acknowledged: stamp ' .. is[2] .. ' after ' .. known}
end
local stamp, last, witness = tonumber(is[2]), is[3], is[4] or ''

-- fenced: a later opening of the coordinator is known, or another one of the same epoch (P6).
local function fenced()
	local mine, other = seen:sub(1, 8), witness:sub(1, 8)
	return mine ~= '' and other ~= '' and (mine < other or mine == other and seen:sub(10, 25) ~= witness:sub(10, 25))
end

-- counted keeps the witness and the next stamp, in the same step as a promise or an applied commit (C6, P12).
local function counted()
	if seen ~= '' and seen:sub(1, 8) .. seen:sub(27) >= witness:sub(1, 8) .. witness:sub(27) then
		call('HSET', memory, 'seen ' .. coordinator, seen)
	end
	stamp = call('HINCRBY', memory, 'stamp', 1)
end

-- synced writes something, so that all that was loaded at a start and is about to be relied on is synced with it (P10).
local function synced()
	call('HINCRBY', memory, 'looks', 1)
end

-- fate is how the branch ended: c, by a decision; h, committed by hand; a, aborted; nil: nothing is known.
local function fate()
	local found = call('ZRANGEBYLEX', ended, '[' .. id, '[' .. id .. '~', 'LIMIT', 0, 1)
	return found[1] and found[1]:sub(#id + 1)
end

-- passed: the watermark is above the id, which is no exception: nothing of it can still be meant to come (P5).
local function passed()
	local floor = call('HGET', memory, 'floor ' .. id:sub(1, 8))
	return floor and id:sub(1, 32) < floor:sub(1, 32) and not floor:find(' ' .. id:sub(1, 32), 33, true)
end

-- forbidden names a command that the user may not run: of those that keep a promise and end it, and of its effects. A script
-- that is refused one stops there, and what it has written stays: so this is asked before the first.
local function forbidden(effects)
	local function may(...)
		local known, yes = pcall(redis.acl_check_cmd, ...) -- a command can have been renamed
		return known and yes
	end
	local own = {
		{'HINCRBY', memory, 'stamp', '1'}, {'HSET', memory, 'f', 'v'}, {'SADD', doubt, 'm'}, {'SREM', doubt, 'm'}, {'ZADD', ended, '0', 'm'},
		{'HSET', locks, 'f', 'v'}, {'HDEL', locks, 'f'}, {'HSET', branch, 'f', 'v'}, {'HDEL', branch, 'f'}, {'DEL', branch},
	}
	for _, c in ipairs(own) do
		if not may(unpack(c)) then return c[1] end
	end
	for _, e in ipairs(effects) do
		local key = KEYS[e[2]]
		if not may(e[1], key, unpack(e, 3)) then return e[1] end
		if not may('UNLINK', key) then return 'UNLINK' end
	end
end

-- apply does what was promised. It cannot fail: who changed a locked key in spite of its lock loses it.
local function apply(effects)
	for _, e in ipairs(effects) do
		local key = KEYS[e[2]]
		local r = redis.pcall(e[1], key, unpack(e, 3))
		if type(r) == 'table' and r.err then
			if r.err:sub(1, 9) ~= 'WRONGTYPE' then error(r, 0) end
			call('UNLINK', key)
			call(e[1], key, unpack(e, 3))
		end
	end
end

local function unlock()
	for i = data + 1, #KEYS do
		if call('HGET', locks, KEYS[i]) == name then
			call('HDEL', locks, KEYS[i])
		end
	end
end

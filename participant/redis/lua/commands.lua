-- Computes what commands would do and reply, one after the other, without doing anything. What they would write becomes
-- effects, of which each says what will be there, not how it came about.
local B = 1e10 -- 64-bit integers are pairs of doubles here, to this base, of one sign

local function refuse(code, text) error({code = code, text = text}, 0) end

local function integer(s)
	if #s > 20 or not (s == '0' or s:match('^%-?[1-9]%d*$')) then return nil end
	local sign, digits = 1, s
	if s:sub(1, 1) == '-' then sign, digits = -1, s:sub(2) end
	if #digits <= 10 then return {0, sign * tonumber(digits)} end
	return {sign * tonumber(digits:sub(1, -11)), sign * tonumber(digits:sub(-10))}
end

local function less(a, b) return a[1] < b[1] or a[1] == b[1] and a[2] < b[2] end

local greatest, least = integer('9223372036854775807'), integer('-9223372036854775808')

local function fits(a) return not less(greatest, a) and not less(a, least) end

local function add(a, b)
	local hi, lo = a[1] + b[1], a[2] + b[2]
	if lo >= B then hi, lo = hi + 1, lo - B elseif lo <= -B then hi, lo = hi - 1, lo + B end
	if hi > 0 and lo < 0 then hi, lo = hi - 1, lo + B elseif hi < 0 and lo > 0 then hi, lo = hi + 1, lo - B end
	return {hi, lo}
end

local function decimal(a)
	local sign = (a[1] < 0 or a[2] < 0) and '-' or ''
	if a[1] == 0 then return sign .. string.format('%.0f', math.abs(a[2])) end
	return sign .. string.format('%.0f%010.0f', math.abs(a[1]), math.abs(a[2]))
end

-- The branch's own view of a key: its type; whether what is stored still shows through (based), and until when; the value of
-- a string; the members of a hash, set or sorted set that it knows (false: not there), and how many there are; the two ends
-- of a list, and what is left between them.
local views, effects, items, size = {}, {}, {}, 0

local function erase(v)
	v.type, v.based, v.items, v.n, v.value, v.left, v.right, v.lo, v.hi, v.expires = 'none', false, {}, 0, nil, {}, {}, 0, -1, -1
end

local function view(i)
	local v = views[i]
	if not v then
		local key = KEYS[i]
		local kind = call('TYPE', key).ok
		v = {at = i, key = key, type = kind, based = kind ~= 'none', items = {}, left = {}, right = {}, lo = 0, hi = -1, expires = -1}
		if v.based then v.expires = call('PEXPIRETIME', key) end
		if kind == 'list' then v.hi = call('LLEN', key) - 1 end
		views[i] = v
	end
	return v
end

local function typed(v, kind)
	if v.type ~= kind and v.type ~= 'none' then
		refuse('refused', 'the key holds a ' .. v.type .. ', not a ' .. kind)
	end
end

local function effect(v, command, ...)
	effects[#effects + 1] = {command, v.at, ...}
	v.written = true
end

local readers = {
	hash = function(key, f) return call('HGET', key, f) end,
	set = function(key, f) return call('SISMEMBER', key, f) == 1 and '1' end,
	zset = function(key, f) return call('ZSCORE', key, f) end,
}
local counters = {hash = 'HLEN', set = 'SCARD', zset = 'ZCARD'}

local function count(v, kind)
	typed(v, kind)
	if not v.n then v.n = v.based and call(counters[kind], v.key) or 0 end
	return v.n
end

local function member(v, kind, f)
	typed(v, kind)
	if v.items[f] == nil then v.items[f] = v.based and readers[kind](v.key, f) or false end
	return v.items[f]
end

local function put(v, kind, f, value)
	local new = not member(v, kind, f)
	v.n = count(v, kind) + (new and 1 or 0)
	v.type, v.items[f] = kind, value
	return new
end

local function drop(v, kind, f)
	if not member(v, kind, f) then return false end
	v.n, v.items[f] = count(v, kind) - 1, false
	if v.n == 0 then erase(v) end
	return true
end

local function value(v)
	typed(v, 'string')
	if v.value == nil then v.value = v.based and call('GET', v.key) or false end
	return v.value
end

local function become(v, x)
	erase(v)
	v.type, v.value = 'string', x
end

-- sum adds to an integer in decimal text, within bounds.
local function sum(old, by, min, max)
	local a = integer(old or '0')
	if not a or not fits(a) then refuse('refused', 'the value is not an integer') end
	local s = add(a, integer(by))
	if not fits(s) then refuse('refused', 'the sum of ' .. old .. ' and ' .. by .. ' overflows') end
	if min ~= '' and less(s, integer(min)) then refuse('refused', decimal(s) .. ' is below ' .. min) end
	if max ~= '' and less(integer(max), s) then refuse('refused', decimal(s) .. ' is above ' .. max) end
	return decimal(s)
end

local most = 1024 -- elements that one command gives back

local function few(n)
	if n > most then refuse('bad_work', 'more than ' .. most .. ' elements') end
end

local function all(v, kind, command)
	few(count(v, kind))
	local found = {}
	if v.based and v.type == kind then
		local stored = call(command, v.key)
		for i = 1, #stored, kind == 'hash' and 2 or 1 do found[stored[i]] = kind == 'hash' and stored[i + 1] or '1' end
	end
	for f, x in pairs(v.items) do found[f] = x or nil end
	local names = {}
	for f in pairs(found) do names[#names + 1] = f end
	table.sort(names)
	return names, found
end

local function length(v) return #v.left + v.hi - v.lo + 1 + #v.right end

local function push(v, command, side, args)
	typed(v, 'list')
	v.type = 'list'
	for _, x in ipairs(args) do side[#side + 1] = x end
	effect(v, command, unpack(args))
	return length(v)
end

local function pop(v, command, near, far, front)
	typed(v, 'list')
	if length(v) == 0 then return false end
	local x
	if #near > 0 then
		x = table.remove(near)
	elseif v.lo <= v.hi then
		x = call('LINDEX', v.key, front and v.lo or v.hi)
		if front then v.lo = v.lo + 1 else v.hi = v.hi - 1 end
	else
		x = table.remove(far, 1)
	end
	effect(v, command)
	if length(v) == 0 then erase(v) end
	return x
end

local function slice(v, first, last)
	local n, found = length(v), {}
	if first < 0 then first = math.max(first + n, 0) end
	if last < 0 then last = last + n end
	last = math.min(last, n - 1)
	few(last - first + 1)
	local middle = v.hi - v.lo + 1
	for i = first, math.min(last, #v.left - 1) do found[#found + 1] = v.left[#v.left - i] end
	local from, to = math.max(first - #v.left, 0), math.min(last - #v.left, middle - 1)
	if from <= to then
		for _, x in ipairs(call('LRANGE', v.key, v.lo + from, v.lo + to)) do found[#found + 1] = x end
	end
	for i = math.max(first - #v.left - middle, 0), last - #v.left - middle do found[#found + 1] = v.right[i + 1] end
	return found
end

local function double(x)
	if x ~= x or x == math.huge or x == -math.huge then refuse('refused', 'the score is no finite number') end
	return string.format('%.17g', x)
end

-- each does something for each of the arguments, or pairs of them, and counts the yeses.
local function each(args, step, f)
	local n = 0
	for i = 1, #args, step do
		if f(args[i], args[i + 1]) then n = n + 1 end
	end
	return n
end

local commands = {}

function commands.get(v) return value(v) end

function commands.exists(v) return v.type ~= 'none' and 1 or 0 end

function commands.set(v, x, condition)
	if condition == 'nx' and v.type ~= 'none' or condition == 'xx' and v.type == 'none' then return false end
	become(v, x)
	effect(v, 'SET', x)
	return 'OK'
end

function commands.incrby(v, by, min, max)
	local x = sum(value(v), by, min, max)
	v.type, v.value = 'string', x
	effect(v, 'SET', x, 'KEEPTTL')
	return x
end

function commands.del(v)
	if v.type == 'none' then return 0 end
	erase(v)
	effect(v, 'UNLINK')
	return 1
end

function commands.hget(v, f) return member(v, 'hash', f) end

function commands.hexists(v, f) return member(v, 'hash', f) and 1 or 0 end

function commands.hlen(v) return count(v, 'hash') end

function commands.hgetall(v)
	local names, found = all(v, 'hash', 'HGETALL')
	local pairs_ = {}
	for _, f in ipairs(names) do pairs_[#pairs_ + 1] = {f, found[f]} end
	return pairs_
end

function commands.hset(v, ...)
	local args = {...}
	local n = each(args, 2, function(f, x) return put(v, 'hash', f, x) end)
	effect(v, 'HSET', ...)
	return n
end

function commands.hsetnx(v, f, x)
	if member(v, 'hash', f) then return 0 end
	return commands.hset(v, f, x)
end

function commands.hincrby(v, f, by, min, max)
	local x = sum(member(v, 'hash', f), by, min, max)
	commands.hset(v, f, x)
	return x
end

local function remover(kind, command)
	return function(v, ...)
		typed(v, kind)
		local n = each({...}, 1, function(f) return drop(v, kind, f) end)
		if n > 0 then effect(v, command, ...) end
		return n
	end
end

commands.hdel, commands.srem, commands.zrem = remover('hash', 'HDEL'), remover('set', 'SREM'), remover('zset', 'ZREM')

function commands.sadd(v, ...)
	local n = each({...}, 1, function(f) return put(v, 'set', f, '1') end)
	effect(v, 'SADD', ...)
	return n
end

function commands.sismember(v, f) return member(v, 'set', f) and 1 or 0 end

function commands.scard(v) return count(v, 'set') end

function commands.smembers(v)
	return (all(v, 'set', 'SMEMBERS'))
end

function commands.zadd(v, ...)
	local n = each({...}, 2, function(score, f) return put(v, 'zset', f, double(tonumber(score))) end)
	effect(v, 'ZADD', ...)
	return n
end

function commands.zincrby(v, by, f)
	local x = double(tonumber(member(v, 'zset', f) or 0) + tonumber(by))
	commands.zadd(v, x, f)
	return x
end

function commands.zscore(v, f) return member(v, 'zset', f) end

function commands.zcard(v) return count(v, 'zset') end

function commands.lpush(v, ...) return push(v, 'LPUSH', v.left, {...}) end

function commands.rpush(v, ...) return push(v, 'RPUSH', v.right, {...}) end

function commands.lpop(v) return pop(v, 'LPOP', v.left, v.right, true) end

function commands.rpop(v) return pop(v, 'RPOP', v.right, v.left, false) end

function commands.llen(v)
	typed(v, 'list')
	return length(v)
end

function commands.lrange(v, first, last)
	typed(v, 'list')
	return slice(v, tonumber(first), tonumber(last))
end

-- Results are written as a txc.v1.Results, which Redis need not understand.
local function varint(n)
	local s = ''
	while n >= 128 do
		s = s .. string.char(n % 128 + 128)
		n = math.floor(n / 128)
	end
	return s .. string.char(n)
end

local function bytes(tag, s) return string.char(tag) .. varint(#s) .. s end

local function tell(op, kind, key, x, limit)
	local item = string.char(0x08) .. varint(op) .. bytes(0x12, kind) .. bytes(0x1a, key)
	if x then item = item .. string.char(0x20, 1) .. bytes(0x2a, x) end
	item = bytes(0x0a, item)
	size = size + #item
	if size > limit then refuse('bad_work', 'the values read are more than ' .. limit .. ' bytes') end
	items[#items + 1] = item
end

-- run runs the commands that stand in ARGV from a place on: the name to tell, the command, its key's place in KEYS, "=" and
-- the reply to expect or nothing, how many arguments, and those.
local function run(at, limit)
	local op = 0
	while at <= #ARGV do
		local kind, name, key, expect, n = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), ARGV[at + 3], tonumber(ARGV[at + 4])
		local v = view(key)
		local ok, reply = pcall(commands[name], v, unpack(ARGV, at + 5, at + 4 + n))
		if not ok then
			if type(reply) == 'table' and reply.text then reply.text = 'command ' .. op .. ' (' .. kind .. '): ' .. reply.text end
			error(reply, 0)
		end
		if type(reply) == 'table' then
			for _, x in ipairs(reply) do
				if type(x) == 'table' then tell(op, kind, x[1], x[2], limit) else tell(op, kind, v.key, x, limit) end
			end
		else
			if type(reply) == 'number' then reply = string.format('%.0f', reply) end
			if expect ~= '' and reply ~= expect:sub(2) then
				refuse('refused', 'command ' .. op .. ' (' .. kind .. '): the reply is not the expected one')
			end
			if reply ~= 'OK' then tell(op, kind, v.key, reply, limit) end
		end
		op, at = op + 1, at + 5 + n
	end
	for _, v in pairs(views) do -- a key that expires does so when it would have, whatever the commit wakes up
		if v.written and v.expires >= 0 and v.type ~= 'none' then effect(v, 'PEXPIREAT', string.format('%.0f', v.expires)) end
	end
end

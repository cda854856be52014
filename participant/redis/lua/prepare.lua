-- Takes the locks of a branch, computes what its commands would do, and keeps that as a promise.
-- ARGV, after those of every script: the incarnation, the members, age, whether a vote that wrote nothing may release, the
-- keys as they are kept for the end, how large results may be, and the commands.
local incarnation, members, age, release, kept, limit = ARGV[7], ARGV[8], ARGV[9], ARGV[10] == '1', ARGV[11], tonumber(ARGV[12])

local function promised()
	local p = call('HMGET', branch, 'state', 'vote', 'evidence', 'results')
	if p[1] == 'promised' then
		synced()
		return {p[2], stamp, p[3], p[4]}
	end
	return {'ended', stamp, 'h'}
end

if last ~= incarnation then
	return {'stopped', 0, 'another process has opened this participant'}
end
if call('EXISTS', branch) == 1 then
	return promised()
end
local how = fate()
if how then
	return {'ended', stamp, how}
end
if passed() then
	return {'no', stamp, 'below_watermark', 'the watermark is above it'}
end
if fenced() then
	return {'no', stamp, 'fenced', 'another opening of its coordinator is known here'}
end
for i = data + 1, #KEYS do
	local holder = call('HGET', locks, KEYS[i])
	if holder then
		return {'locked', stamp, KEYS[i], holder}
	end
end

local ok, why = pcall(run, 13, limit)
if not ok then
	if type(why) == 'table' and why.code then
		return {'no', stamp, why.code, why.text}
	end
	return {'no', stamp, 'store', type(why) == 'table' and why.err or tostring(why)}
end
local results = table.concat(items)
if #effects == 0 and release then
	return {'read-only', stamp, '', results}
end
local no = forbidden(effects)
if no then
	return {'no', stamp, 'store', 'the user may not ' .. no .. ', which the commit would need'}
end
counted()
local vote, evidence, now = #effects == 0 and 'held' or 'yes', tostring(stamp), call('TIME')
call('HSET', branch, 'state', 'promised', 'vote', vote, 'evidence', evidence, 'members', members, 'age', age,
	'since', now[1] .. string.format('%06d', now[2]), 'keys', kept, 'count', #KEYS - data, 'effects', cmsgpack.pack(effects), 'results', results)
call('SADD', doubt, name)
for i = data + 1, #KEYS do
	call('HSET', locks, KEYS[i], name)
end
return {vote, stamp, evidence, results}

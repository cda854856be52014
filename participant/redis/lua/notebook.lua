-- The notebook. ARGV, after those of every script: the verb, and pairs of a field and its value, or ranges.
local verb = ARGV[7]
local verbs = {}

-- sync: all that was listed before is synced, and was listed from the database that was opened.
function verbs.sync()
	synced()
	return {'ok', stamp}
end

-- remember keeps witnesses; each only ever rises.
function verbs.remember()
	synced()
	for i = 8, #ARGV, 2 do
		local field, value = 'seen ' .. ARGV[i], ARGV[i + 1]
		local old = call('HGET', memory, field) or ''
		if value:sub(1, 8) .. value:sub(27) >= old:sub(1, 8) .. old:sub(27) then
			call('HSET', memory, field, value)
		end
	end
	return {'ok', stamp}
end

-- forget keeps the watermark, and drops what ended below it, in ranges between the exceptions (P5). One that was sent earlier
-- and arrives later is lower, or has exceptions that are none any more: what was dropped since must not be let in again (P4).
function verbs.forget()
	local new, old = ARGV[9], call('HGET', memory, 'floor ' .. ARGV[8]) or ''
	if new:sub(1, 32) < old:sub(1, 32) or new:sub(1, 32) == old:sub(1, 32) and #new > #old then
		synced()
		return {'ok', stamp}
	end
	call('HSET', memory, 'floor ' .. ARGV[8], ARGV[9])
	for i = 10, #ARGV, 2 do
		call('ZREMRANGEBYLEX', ended, ARGV[i], ARGV[i + 1])
	end
	return {'ok', stamp}
end

return verbs[verb]()

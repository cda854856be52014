-- The notebook. ARGV, after those of every script: the verb, and pairs of a field and its value, or ranges.
local verb = ARGV[7]
local verbs = {}

-- sync: all that is listed next was synced.
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

-- forget keeps the watermark, and drops what ended below it, in ranges between the exceptions (P5).
function verbs.forget()
	call('HSET', memory, 'floor ' .. ARGV[8], ARGV[9])
	for i = 10, #ARGV, 2 do
		call('ZREMRANGEBYLEX', ended, ARGV[i], ARGV[i + 1])
	end
	return {'ok', stamp}
end

return verbs[verb]()

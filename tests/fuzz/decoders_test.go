package fuzz_test

// decoder is a function that makes something of bytes or text from outside: a file, a wire, a person.
type decoder struct {
	name   string // package.function, or package.Type.method
	target string // package.FuzzX
	why    string // no target: why none is needed
}

// decoders is every one of them, by package. A function that looks like one (see looksLikeADecoder) and is missing here
// fails the test.
var decoders = []decoder{
	{name: "txc.ParseID", target: "txc.FuzzID"},
	{name: "txc.ParseMark", target: "txc.FuzzMark"},
	{name: "txc.ParseBranchName", target: "txc.FuzzBranchName"},

	{name: "wal.Decode", target: "wal.FuzzRecord"},
	{name: "wal.decode", target: "wal.FuzzRecord"},
	{name: "wal.DecodeGroup", target: "wal.FuzzGroup"},
	{name: "wal/badgerwal.decodeHead", target: "wal/badgerwal.FuzzHead"},
	{name: "wal/badgerwal.decodeSummary", target: "wal/badgerwal.FuzzSummary"},
	{name: "wal/badgerwal.detailHas", target: "wal/badgerwal.FuzzDetail"},
	{name: "wal/badgerwal.decodeChunk", target: "wal/badgerwal.FuzzChunk"},
	{name: "wal/badgerwal.decodeCarried", target: "wal/badgerwal.FuzzCarried"},
	{name: "wal/badgerwal.parseKeyEntry", target: "wal/badgerwal.FuzzKeyEntry"},

	{name: "internal/badgerdb.parseIdentity", target: "internal/badgerdb.FuzzIdentity"},
	{name: "internal/badgerdb.ReadIdentity", why: "reads the file that FuzzIdentity gives to parseIdentity"},
	{name: "internal/badgerdb.decodeHead", target: "internal/badgerdb.FuzzHead"},
	{name: "internal/badgerdb.readHead", why: "reads the file that FuzzHead gives to decodeHead"},
	{name: "internal/badgerdb.parseHead", why: "a number of eight bytes, or none"},
	{name: "internal/badgerdb.readManifest", target: "internal/badgerdb.FuzzManifest"},
	{name: "internal/badgerdb.readEntry", target: "internal/badgerdb.FuzzEntry"},
	{name: "internal/failpoint.Parse", target: "internal/failpoint.FuzzParse"},
	{name: "internal/failpoint.parse", target: "internal/failpoint.FuzzParse"},

	{name: "api/frame.readFrame", target: "api/frame.FuzzFrame"},
	{name: "api/frame.ParseProof", target: "api/frame.FuzzProof"},
	{name: "api/rpc.parseID", why: "ParseID, with a status for its error"},
	{name: "api/rpc.parseBranch", target: "api/rpc.FuzzBranch"},
	{name: "coordinator.parsePage", target: "coordinator.FuzzPage"},

	{name: "participant/kv/engine.DecodeWork", target: "participant/kv/engine.FuzzWork"},
	{name: "participant/kv/engine.decodeOps", target: "participant/kv/engine.FuzzWork"},
	{name: "participant/kv/engine.decodeOp", target: "participant/kv/engine.FuzzWork"},
	{name: "participant/kv/engine.decodeBody", target: "participant/kv/engine.FuzzWork"},
	{name: "participant/kv/engine.DecodeResults", target: "participant/kv/engine.FuzzResults"},
	{name: "participant/kv/engine.decodeResult", target: "participant/kv/engine.FuzzResults"},
	{name: "participant/kv/engine.parseIntent", target: "participant/kv/engine.FuzzIntent"},
	{name: "participant/kv/engine.parseMemory", target: "participant/kv/engine.FuzzMemory"},
	{name: "participant/kv/engine.parseLast", target: "participant/kv/engine.FuzzRows"},
	{name: "participant/kv/engine.parseProof", target: "participant/kv/engine.FuzzRows"},
	{name: "participant/kv/engine.parseName", target: "participant/kv/engine.FuzzRows"},
	{name: "participant/kv/engine.parseItems", target: "participant/kv/engine.FuzzJournal"},
	{name: "participant/kv/engine.parseJournalKey", target: "participant/kv/engine.FuzzJournal"},

	{name: "participant/sqlwork.Read", target: "participant/sqlwork.FuzzWork"},
	{name: "participant/mysql.decode", target: "participant/mysql.FuzzDecode"},
	{name: "participant/mysql.decodeText", target: "participant/mysql.FuzzDecode"},
	{name: "participant/postgres.decode", target: "participant/postgres.FuzzDecode"},

	{name: "participant/redis.read", target: "participant/redis.FuzzWork"},
	{name: "participant/redis.kept", target: "participant/redis.FuzzRows"},
	{name: "participant/redis.parseSortable", target: "participant/redis.FuzzRows"},
	{name: "participant/redis.parseWitness", target: "participant/redis.FuzzRows"},
	{name: "participant/rabbitmq.ParseAddress", target: "participant/rabbitmq.FuzzAddress"},

	{name: "participant/nats.parsePermissions", target: "participant/nats.FuzzPermissions"},
	{name: "participant/staged.messages", target: "participant/staged.FuzzMessages"},

	{name: "cmd/internal/txfile.parse", target: "cmd/internal/txfile.FuzzRead"},
	{name: "cmd/internal/txfile.Read", target: "cmd/internal/txfile.FuzzRead"},
	{name: "cmd/internal/console.ParseSize", target: "cmd/internal/console.FuzzSize"},
	{name: "cmd/internal/participantd.readConfig", why: "reads the file that FuzzConfig gives to parseConfig"},
	{name: "cmd/internal/participantd.parseConfig", target: "cmd/internal/participantd.FuzzConfig"},
	{name: "cmd/txc.parseFile", why: "txfile.Read, with the command's own words for its error"},
	{name: "cmd/txc.reorder", target: "cmd/txc.FuzzReorder"},
	{name: "wal/badgerwal.readHead", why: "reads the file that FuzzHead gives to decodeHead"},
}

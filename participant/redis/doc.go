// Package redis is the Redis participant: a database that takes part in atomic transactions by scripts. It runs shipped
// commands, and holds no protocol.
//
//	prepare: one script, one sync                              finish: one script, one sync
//	┌─────────────────────────────────────────────────────┐    ┌──────────────────────────────────────────────┐
//	│ another's lock on a key ──────────▶ wait, ask again │    │ promised ─ apply, unlock, proof ─▶ now       │
//	│ what would the commands do? (nothing is done yet)   │    │ a proof ─────────────────────────▶ before    │
//	│ unmet, wrong type, overflow ──────▶ no              │    │ Abort of what is unknown ─▶ a tombstone, so  │
//	│ nothing to write, may release ────▶ read-only       │    │    that a Prepare on its way promises nothing│
//	│ locks, effects, members, witness, stamp ──▶ yes     │    │ else: hazard, or never prepared              │
//	└─────────────────────────────────────────────────────┘    └──────────────────────────────────────────────┘
//
//	txc/<cluster>/<id>.<mark>/<participant>   a branch that is promised, or settled by hand      (hash)
//	txc:locks                                 which branch holds which key, of everybody here    (hash)
//	txc:doubt/<cluster>/<participant>         the names of its branches of the first kind        (set)
//	txc:ended/<cluster>/<participant>         how others ended: the proofs, and the tombstones   (sorted set)
//	txc:memory/<cluster>/<participant>        identity, stamp, witnesses, watermarks             (hash)
//
// A script runs alone and whole, and with appendfsync always what it wrote is synced before its answer is sent. So a
// promise has everything at once, and a commit has its proof. What a promise keeps are effects, not commands: what will be
// there, which cannot fail any more. An answer that was lost is asked for again; a No is said only when the database itself
// has said that nothing is promised, nor will be.
//
// Every script first looks whether the database is still the one that was opened, with all that it ever acknowledged: one
// that was emptied, restored, or replaced by a replica that had not got everything, stops the participant (P12). A process
// that lives on after another one has opened can promise nothing.
package redis

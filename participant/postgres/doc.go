// Package postgres is the PostgreSQL participant: a database that takes part in atomic transactions by PREPARE
// TRANSACTION. It runs shipped SQL, operations in Go that clients call by name (Handler), and the calls of a service's own
// code (Join, Leave, Tx). It holds no protocol.
//
//	Prepare: one session of the work pool                        Commit, Abort: any session of the other pool
//	┌─────────────────────────────────────────────────────────┐  ┌─────────────────────────────────────────┐
//	│ insert txc.promise   (own transaction, nothing synced)  │  │ COMMIT PREPARED  ── ok ─▶ committed now │
//	│ begin; timeouts; the work                               │  │     │ 42704: no such gid                │
//	│ nothing written, may release: commit ─────▶ read-only   │  │     ▼                                   │
//	│ insert txc.branch    (the marker, part of the branch)   │  │ txc.branch ── there ─▶ committed before │
//	│ PREPARE TRANSACTION  (one sync, for both) ────▶ yes     │  │ pg_xact_status ─ aborted ─▶ the same    │
//	└─────────────────────────────────────────────────────────┘  │ else: hazard, or never prepared         │
//	                                                             └─────────────────────────────────────────┘
//
// What belongs to a promise but has no place in pg_prepared_xacts, its members and age, is a row of txc.promise. It is
// committed before PREPARE on the same session without a sync: the sync of PREPARE covers it, for the log is one sequence.
// Such a row alone is no promise; Forget drops it.
//
// The marker is inserted by the branch itself, so it is there if and only if the branch committed (P7, C6). The number of
// the server's own transaction, which is the evidence, proves aborts only: after a restore another transaction may have it.
//
// A branch that calls work on keeps its session from Join to Join, and PREPARE comes on that session; its row of txc.promise
// is committed before, on another one: the log is one sequence all the same.
//
// A session that was lost while its PREPARE ran may still be at work in the server. It is ended, and seen to be gone, before
// anything is said about its branch (P11). The sessions of an earlier process are ended at Open, before anything is listed
// (P10); and a process that lives on after another one has opened can promise nothing: each promise's row is conditional on
// the process that opened last.
package postgres

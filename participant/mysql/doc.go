// Package mysql is the MySQL participant: a MariaDB or MySQL database that takes part in atomic transactions by XA. It runs
// shipped SQL, operations in Go that clients call by name (Handler), and the calls of a service's own code (Join, Leave, Conn).
// It holds no protocol.
//
//	Prepare: one session of the work pool                       Commit, Abort
//	┌────────────────────────────────────────────────────────┐  ┌─────────────────────────────────────────────────┐
//	│ am I the last to have opened? limits; XA START         │  │ on the session that prepared it, if it is kept, │
//	│ the work                                               │  │ else on any: XA RECOVER ─ listed ─▶ XA COMMIT   │
//	│ nothing written, may release: XA ROLLBACK ▶ read-only  │  │                   │ not listed    └▶ now        │
//	│ insert txc_branch  (promise and marker, of the branch) │  │                   ▼                             │
//	│ XA END; XA PREPARE (one sync, for all of it) ─────▶ yes│  │ txc_branch ── there ──▶ committed before        │
//	└─────── the session is kept for the decision ───────────┘  │ else: hazard, or never prepared                 │
//	                                                            └─────────────────────────────────────────────────┘
//
// What belongs to a promise but has no place in XA RECOVER, its members, age and time, is in the branch's own row of
// txc_branch: in the same step of the log as XA PREPARE. As long as the branch is prepared only a reader of what is
// uncommitted sees it, which is how promises are listed; once it has committed, the row is the proof that it did (P7, C6).
// No status of transactions can be asked for here: what is neither listed nor proved is a hazard if it had promised. A
// branch that wrote nothing has none: the server forgets it with its session, so it is never prepared without the row.
//
// In MariaDB, and in MySQL before 8.0.29, nobody but the session that prepared a branch can finish it while the server has that
// session. So it is kept for the decision, up to a bound, and is really closed when it was lost: then it is killed, and seen
// to be gone, before anything is said about its branch (P11).
//
// A branch that calls work on keeps its session from Join to Join, its XA transaction begun, and is promised on it. What the code
// has is a connection of its own kind, a view, whose statements are looked at, take turns, and end with the branch:
//
//	call ── Conn ──▶ *sql.Conn ── database/sql ──▶ view ── turn, grammar ──▶ the branch's session
//	call ── Conn ──▶ *sql.Conn ── database/sql ──▶ view ─────┘
//
// Every session holds a named lock of the server from a small set, which the server lets go of after all else of the session: so
// the sessions of an earlier process are found, and ended at Open, before anything is listed (P10). A process that lives on
// after another one has opened can promise nothing: each branch asks, once its session can be found, who opened last.
//
// The server has one list of xids for all of its databases, so a branch is looked for by the format of its xid, too, which is
// the database's.
package mysql

// Package turns is what the stores whose branches a service's own calls work on have in common: the calls of one branch share
// what the store has for it, a session of a database mostly, and use it by turns.
//
//	call 1 ── Enter ─▶ ┌──────┐ ── statement, rows, a savepoint ─▶ Exit ─┐
//	call 2 ── Enter ──────────── waits ──────────────────────────────────┴▶ ── statement ─▶ Exit
//	                   one turn
//
//	Doom: the branch can only abort, or is closed: who waits hears why, and so does who comes
//	Table: the branches that calls work on, from the first call to Prepare or Abort
//	Places: how many branches may have a session at once
//	Leave: a call has returned; what it holds still it holds for ever, and says so
package turns

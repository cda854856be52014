// Package participantd is one participant as a process, or as a part of one: a store (a key-value store in a directory, or a
// database), the agent that keeps the protocol for it, and the address where coordinators reach it.
//
//	coordinators ◀── register, inquire ──┐
//	     │                               │
//	     └── Session, or unary ──▶ rpc server ─▶ agent ─┬▶ (misbehave) ─▶ kv store in a directory
//	                                                    └▶ a database, or a broker with its staging directory
//
// A key-value participant has switches that make it misbehave on request, for demonstrations and tests of what the other
// side makes of it.
package participantd

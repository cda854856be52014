// Package participantd is one key-value participant as a process, or as a part of one: a store, the agent that keeps the
// protocol for it, and the address where coordinators reach it.
//
//	coordinators ◀── register, inquire ──┐
//	     │                               │
//	     └── Session, or unary ──▶ rpc server ─▶ agent ─▶ (misbehave) ─▶ kv store in a directory
//
// It has switches that make it misbehave on request, for demonstrations and tests of what the other side makes of it.
package participantd

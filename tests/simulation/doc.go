// Package simulation runs a whole system in one thread under virtual time: the real coordinator's core, the real
// agents' and key-value stores' cores, and the real log's codec, over a network and disks that fail as a seed draws it.
//
//	seed ──▶ scheduler (virtual time, one heap of events)
//	            │
//	   ┌────────┼─────────────────┬─────────────────────┐
//	   ▼        ▼                 ▼                     ▼
//	 clients  coordinator ◀──▶ network ◀──▶ participants (agent + kv engine)
//	   │        │ wal/mem        loss, repetition,       │ store: durable | page cache
//	   │        ▼                reordering, cuts        ▼
//	   │      crash, kill, power cut between any two effects, at either side
//	   ▼
//	 audit: money constant, every told outcome true, nothing in doubt, no lock left after the heal
//
// A seed replays to the bit: go test ./tests/simulation -seed N -steps prints every step of it. Two runs of a seed have
// the same trace hash, and a test says so.
package simulation

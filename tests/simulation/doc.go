// Package simulation runs a whole system in one thread under virtual time: the real coordinator's core, the real agents'
// and key-value stores' cores, the real codecs of log and wire, over networks, disks, clocks and people that fail as a
// seed draws it.
//
//	seed ──▶ mix of faults, schedule (virtual time, one heap of events)
//	            │
//	   ┌────────┼────────────────────┬──────────────────────┬─────────────┐
//	   ▼        ▼                    ▼                      ▼             ▼
//	 clients  coordinator ◀──▶ wire: api/frame ◀──▶ participants     operator
//	   │        │ wal/mem      loss, repetition,      agent + kv engine   accepts, settles,
//	   │        ▼              order, cuts, one-way      │                acknowledges
//	   │      groups, HEAD                               ▼
//	   │      kill, power cut, EIO, ENOSPC,           store: durable | page cache
//	   │      torn, flipped, old copies               the same
//	   ▼
//	 audit, at rest after the heal: every account is what the store's own counts of branches make it; each transfer was
//	 applied once at all of its participants or at none; what clients were told is so; nothing is in doubt, no lock is
//	 left; whatever stands against a decision was reported
//
// What a fault excuses, it excuses for the transactions that it touched and no others (excuses). A process may die
// between any two effects, in the middle of a write, and while it starts.
//
// Every seed has at least 20 transactions and 5 faults, and replays to the bit: its trace is hashed, and two runs of it
// must have the same hash.
//
//	go test ./tests/simulation                              1,000 seeds
//	go test ./tests/simulation -size ci                     100,000; -size all: 1,000,000
//	go test ./tests/simulation -from 5001 -seeds 1000       a shard; -keep: go on after a failure
//	go test ./tests/simulation -seed 17 -steps              one, in words
package simulation

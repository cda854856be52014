// Package mem is a log in memory, for tests and for simulation. It is as strict as one on a disk: what it keeps are the
// encoded groups with their hash chain, it replays and checks them at every Open, and it starts no goroutine, reads no
// clock and draws no number that it was not given.
//
//	Log ──pending lazy records (lost with the process)
//	 │ forced Append, Flush, Close
//	 ▼
//	Disk  g1 g2 g3 g4 | g5        HEAD
//	      synced        written    │
//	      └─ LoseUnsynced keeps ─┘ └─ Truncate leaves it: Open refuses; Cut takes it along: nobody can tell
//
// A Disk survives its Log. Opening it again takes it away from the Log that had it, as a restart does: whatever that
// one still tries fails.
package mem

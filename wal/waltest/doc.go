// Package waltest defines what a wal.Log is: an implementation is one when Run passes.
//
//	Run(t, func(t *testing.T) waltest.Store { return … })
//
// A Store is the place where one log is kept, which survives the Log. What only some implementations can do in a test
// (lose power, fail a write, drop history) are small interfaces of their own; the tests that need one are skipped where
// it is missing.
//
//	Run(t, open) ─▶ open ─▶ Log ─▶ append, look up, close ─▶ open again ─▶ the same, and what must be refused
//	                 │
//	                 └─ a Store may also be able to lose power, to cut its end, to drop its history: then more is asked
//
// Fill makes long logs fast, for tests of recovery.
package waltest

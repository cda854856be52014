// Package filling gives a log a past, for tests and benchmarks: transactions that have ended, and some that have not.
//
//	Past{Finished, Unfinished} ──▶ Commit, End, Commit, Commit, End … ──▶ wal.Log
package filling

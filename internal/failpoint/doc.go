// Package failpoint makes a process fail at a named point of its own course, on request. Points are the steps that
// pass the gates of coordinator and participant; nothing else in the product knows that failpoints exist, and a gate
// without one is a nil check.
//
//	--fault participant/prepare-written=kill@3
//	        └──────── point ──────────┘ └┬─┘ └ at its third pass (default: the first)
//	                                     │
//	  kill      SIGKILL to itself: nothing more is done, nothing is flushed
//	  stop      SIGSTOP to itself: alive and silent, until SIGCONT
//	  error     the step fails, as its gate says
//	  delay:D   the step takes D longer, at every pass from the Nth on
//
// Set.Told hears of a fault before it acts, so that whoever armed it can see that its point was passed.
//
// It depends on the standard library alone.
package failpoint

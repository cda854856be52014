// Package protocol is the commit protocol, and nothing else: two machines as values, the rules beside them as pure
// functions, and the messages between. It does no I/O, has no clock, no randomness, no goroutine, lock or log; whoever
// runs a machine carries its actions out and tells it of their completions.
//
//	client                coordinator: Tx                      participant: Branch               store
//	  │ begin, commit ──▶ Open ─▶ Voting ── Prepare ──▶ Preparing ─▶ Promising ── promise ──▶ durable
//	  │                              ◀────── Vote ───── Promised ◀──────────────── written ────┘
//	  │                  Deciding ── commit record ──▶ log
//	  │ ◀── decided ──── Committing ◀─ durable ─────────┘
//	  │                              ── Commit ──────▶ Applying ── apply, marker ──▶ durable
//	  │ ◀── applied ──── Ending  ◀────── Fated ─────── Gone ◀────────────────────────┘
//	  │                  Ended
//
// Step is the whole of a machine: it takes an event, and returns the next value and what is to be done, in order. A
// write is an action; that it is durable is an event. What no field says is not known. The table of each machine has a
// test per row, and an exploration runs both together through every order of loss, repetition, crash and power loss.
//
//	tx.go txdecided.go            the coordinator's machine; txevent.go, txaction.go: what goes in and comes out
//	branch.go                     the participant's machine; branchwork.go until the promise, branchdoubt.go after it,
//	                              branchsettled.go without the decision; branchevent.go, branchaction.go
//	answer.go orphan.go           what may be said of an id (C4), and done about a branch found (C9)
//	witness.go watermark.go       what proves a lost log (C6), and what can no longer come (P5)
//	fence.go branchguard.go       who may speak (P6), and what of it reaches a branch (P4, P5)
//	branchpassed.go               what a watermark has passed, as a participant keeps it
//	message.go peer.go report.go  what they say to each other
package protocol

// Package coordinator decides transactions, durably, and sees to it that every participant learns the decision. It is a
// library: no network, no flags, no globals. A program gives it a log (wal.Log), a Dialer that makes links to
// participants, and asks.
//
//	 Run, Begin, Enlist, Commit, …        Register, Inquire         Resolve, Accept, List, …
//	        │ clients                          │ participants             │ operators
//	        ▼                                  ▼                          ▼
//	┌─ shell ──────────────────────────────────────────────────────────────────────────────┐
//	│  inbox ──▶ owner: one goroutine                                                       │
//	│            ┌─ Core ────────────────────────────────────────────────────────────┐     │
//	│            │ live transactions (protocol.Tx)   keys   participants   witnesses  │     │
//	│            │ timers   watermarks   sweeps      presumptions   losses            │     │
//	│            └──── Step(world, events) ──▶ effects ───────────────────────────────┘     │
//	│                                     │ one gate (Options.Gate, Points)                  │
//	│        ┌────────────────┬───────────┴──┬──────────────┬──────────┐                    │
//	│        ▼ append         ▼ send         ▼ answer       ▼ look up  ▼ dial, hang up       │
//	│     log writer        links          clients       log readers  Dialer                │
//	└──────────────────────────────────────────────────────────────────────────────────────┘
//
// The Core has no I/O, clock, randomness, goroutine, lock or context: what it needs is an event, what it wants an effect,
// so a simulator can run it whole, and replay it. Whatever has gathered while one group of records was written is the
// next group; whatever a Step says to one participant is one batch.
//
// # What a caller may rely on
//
// Open has recovered when it returns: the epoch is raised, what was unfinished is being completed, and participants were
// asked what they have seen of the log. An error of a call means that nothing was begun, unless it wraps txc.ErrUnknown;
// an abort is a Result. A context bounds the caller's waiting, never the transaction. After an error on Failed the program
// must end: the log knows what is durable, and only opening it again tells. Close ends at any moment: what is undecided
// aborts by absence, what is decided stays in the log.
//
// # Where the rules are, and what proves them
//
//	C1 C2 C3   append.go: nothing relies on a record that has not come back; any failure ends the core
//	           commit_test.go, log_test.go
//	C4         outcome.go for clients, inquire.go and receive.go for participants; answer_test.go
//	C5 C6 C12  loss.go, presume.go, disowned.go, register.go; owner_test.go, witness_test.go, loss_test.go
//	C7 C8      recover.go, shell.go; shell_test.go, BenchmarkRecovery
//	C9         sweep.go; orphan_test.go
//	C10        admit.go, limits.go, links.go; bounds_test.go, links_test.go
//	C11        keys.go, retried.go; keys_test.go, bounds_test.go
//	C13 P12    register.go, peer.go, operator.go; register_test.go, removal_test.go, quarantine_test.go, stamp_test.go
//	H1 H3 H4   operator.go, odd.go, append.go; heuristic_test.go, settled_test.go
//	P5         watermark.go; watermark_test.go
//
// A test of a rule bears its name. rig_test.go steps a Core over a log in memory, with scripted participants, in virtual
// time; office_test.go opens a whole Coordinator over the same.
package coordinator

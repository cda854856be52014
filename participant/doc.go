// Package participant makes a store take part in transactions: an agent keeps the protocol, and an adapter, the
// Resource, tells it how the store prepares, commits and aborts. An adapter holds no protocol; docs/adapters.md tells
// how to write one, resourcetest proves it, and the example of this package is the smallest that is correct.
//
//	 coordinator 1      coordinator 2            your service's calls        operators
//	      │ messages         │                          │ Join, leave            │ Settle, Check
//	      ▼                  ▼                          ▼                        ▼
//	┌─ Session ────────── Session ──────────────────────────── Agent ────────────────┐
//	│      └──────┬───────────┘                          │                           │
//	│          inbox ◀──────────── completions ──────────┼─────────────┐             │
//	│             ▼                                      │             │             │
//	│   ┌─ Core.Step ───────────────────────┐    gate    │    ┌─ pool, or Batcher ─┐  │
//	│   │ fence, watermark, tombs, timers,  │ ─ calls ───┼──▶ │ blocking deeds,    │  │
//	│   │ protocol.Branch per branch        │            │    │ Prepares bounded   │  │
//	│   └───────────────────────────────────┘            │    └─────────┬──────────┘  │
//	│        │ sends, questions, answers                 │              ▼             │
//	└────────┼───────────────────────────────────────────┴──── Resource (the store) ──┘
//	         ▼
//	   back to who asked
//
// # What a caller may rely on
//
//   - Open answers nothing before the store's promises are taken over (P10). Then it registers with every coordinator,
//     again and again until it succeeds; the coordinator makes its link, and says hello.
//   - A vote is given when the store says that the promise is durable, once; a repeated Prepare gets the same one (P1, P4).
//   - A promise is kept until the decision, or a person, ends it. Meanwhile the agent asks: after 0.5 s, then less and
//     less often, up to every 5 s, and at once when a coordinator is back (P2).
//   - Of one branch there is one deed of the store at a time. What ends branches is never held up by Prepares that wait
//     for locks: a quarter of the workers is theirs alone.
//   - An error of the store means that a deed's fate is unknown. A promise's is found out by rolling it back, since nobody
//     was told yes; a commit's by doing it again (P11). An error that wraps txc.ErrStopped ends the agent: Failed says so.
//   - Close refuses work, ends what has not promised, waits for the deeds that run, and keeps promises.
//
// # Where things are
//
//	core.go event.go effect.go    the deterministic core: what a simulator runs; start here
//	messages.go                   what coordinators say
//	live.go store.go lookup.go    a branch and its deeds; what the store knows that memory does not
//	peers.go witness.go tombs.go  fence and hello; the notebook; what has ended, until the watermark passes
//	inquiry.go listing.go         asking for decisions; showing what is in doubt
//	calls.go operator.go          joined work; settling by hand, closing
//	shell.go inbox.go session.go  the goroutines around it; perform.go, pool.go: the store's deeds
//	testdata/*.txt                transcripts: the core's tests, and the quickest way to see what it does
package participant

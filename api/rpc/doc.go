// Package rpc carries txc over gRPC: servers of a coordinator and of a participant, a coordinator's links to participants,
// and a participant's way to ask a coordinator. Unary methods are the contract that any language can implement; between
// Go peers a Session stream carries batches, and whoever lacks it is served by unary calls.
//
//	client ── Session, or Run, Begin … ──▶ NewCoordinatorServer ─▶ coordinator.Coordinator
//	                                            ▲  │
//	      participant.Agent ── DialDirectory ───┘  └─ Dialer ── Session, or Prepare, Commit … ──▶ NewParticipantServer
//	           ▲                                                                                         │
//	           └─────────────────────────────────────────────────────────────────────────────────────────┘
//
// What a caller may rely on:
//
//   - Votes, fates and outcomes come as messages, never as a status. FromStatus makes of a status what the server meant,
//     and of any trouble on the way txc.ErrUnknown (P8).
//   - A link that is lost is told at once, and made again within a second of the peer's being back.
//   - Nothing waits without a bound (limits.go), nothing runs a goroutine per message, and Close joins every goroutine.
//   - Both ways in go through package frame, so what a stream refuses a unary call refuses.
//
// No transaction's state is kept here, and nothing is decided.
package rpc

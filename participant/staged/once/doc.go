// Package once helps a consumer to let each message have its effect once, though it is delivered at least once: what a
// participant of package staged publishes bears an id in the header Txc-Msg-Id, the same each time it is published.
//
//	message ──▶ Do: does the memory know the id? ── yes ──▶ dropped; acknowledge it
//	                        │ no: it is noted
//	                        ▼
//	                     effect ──▶ commit effect and id together ──▶ acknowledge the message
//
// The memory should be a table beside the effect, written in the effect's transaction (SQL, PGX): then a crash leaves both or
// neither. A row must stay as long as the message may come again: longer than the longest outage of the broker, and than
// the broker keeps messages that nobody has acknowledged. A Window in memory forgets at each start, and is for effects that
// do, too.
package once

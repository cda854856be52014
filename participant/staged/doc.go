// Package staged makes a participant of a message broker, which cannot prepare anything, by keeping what is to be published
// in a store of its own until the transaction is decided.
//
//	          Prepare                                   Commit (or an operator's)
//	work ──▶ Broker.Validate ──▶ promise ──▶ yes         read the promise
//	              │               = the messages,             │
//	              │ No              synced                    ▼
//	              ▼                   │                 Broker.Publish, in order, each with its id ──▶ broker
//	         nothing is left          │ Abort                 │ acknowledged by the broker
//	                                  ▼                       ▼
//	                           dropped, unseen          promise removed + proof, one sync ──▶ committed now
//
// Consumers see nothing before the decision, and never a message of an aborted transaction. A committed message is
// delivered at least once: a crash between the broker's acknowledgement and the proof makes the next Commit publish again.
// Every message has an id that is the same each time (Message.ID, in the header Txc-Msg-Id): a broker that knows ids drops
// the repetition; what it does not drop a consumer does, with package participant/staged/once.
//
// The messages of one branch are published in their order. Nothing is said about the order of different transactions, nor
// about what consumers see of one transaction at a time: some of its messages may be there before the others (S1 is not
// claimed).
//
// The store is a key-value store with opaque work (package participant/kv): promise, proof, identity, witnesses, stamp, the
// sync shared by what runs at once, and the reserve of disk space are its own. A broker that is away delays commits, which
// are repeated until it is back, and makes Prepare vote No; it loses nothing.
//
// What an operator settles as committed is recorded first, then published, and published again after each start and pause
// until the broker has acknowledged it: the record keeps the messages until then.
package staged

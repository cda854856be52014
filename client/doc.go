// Package client runs transactions from a program: it talks to coordinators, retries what is safe to retry, and tells
// three outcomes apart.
//
//	c, err := client.Dial([]string{"127.0.0.1:7400"}, client.Options{})
//	r, err := c.Run(ctx, func(ctx context.Context, tx *client.Tx) error {
//		return errors.Join(
//			tx.Enlist("bank-a", client.KV(client.Add("alice", -30).AtLeast(0))),
//			tx.Enlist("bank-b", client.KV(client.Add("bob", 30))))
//	})
//
//	your code ─▶ Run, Begin … Commit ─▶ Tx ─▶ rpc.Caller ─ one Session stream ─▶ coordinator 1
//	                                    │                                        coordinator 2 …
//	                                    └ a key always goes to the same coordinator
//
//	err == nil                      committed: everywhere, or it will be
//	errors.Is(err, txc.ErrAborted)      certain: nothing happened anywhere; *txc.Refusal says why
//	errors.Is(err, txc.ErrUnknown)      ask later with Outcome or OutcomeOf, or run it again under the same key
//	errors.Is(err, txc.ErrMixed)        decided, but a branch stands against the decision, by an operator or a fault
//	errors.Is(err, txc.ErrUnavailable), txc.ErrBusy, txc.ErrInvalid …   certain: nothing was begun
//
// Every transaction has a key; where the user gives none the library draws one. With it a request whose reply was lost is
// sent again and cannot happen twice. A retry after a conflict keeps key and age, so that it grows old and wins.
//
// A context bounds the caller's waiting, not the transaction. All methods of Client are safe for concurrent use; a Tx
// belongs to one goroutine. Thousands of transactions share one connection.
package client

// Package rabbitmq makes a participant of a RabbitMQ broker, by staged publish: it is the broker of package
// participant/staged, which keeps the messages until the transaction is decided.
//
//	            Validate (Prepare)                              Publish (Commit)
//	messages ──▶ what can be carried?       messages ──▶ a channel in confirm mode ──▶ exchange ──▶ queues
//	             │ yes                                     persistent, mandatory,          │
//	             ▼                                         MessageId = Txc-Msg-Id = id     │ confirmed, and none returned
//	   ask: is the queue or exchange                                                       ▼
//	   there, and durable?                                                             nil: they are the broker's
//	        │                                                   │
//	        ▼                                                   ▼
//	   one connection, which the broker                    another one, which it stops reading
//	   reads at all times                                  while it is short of memory or disk
//
// An address is QUEUE, or EXCHANGE/KEY (ParseAddress).
//
// AMQP has no way to ask whether a queue is durable: a passive declaration answers for every one alike. What tells is a
// declaration that can never succeed (see declare): its refusal names the first property that differs, and is believed for a
// minute. For that the user needs permission to configure what it publishes to; nothing is ever declared, changed or deleted.
//
// A promise is kept whatever becomes of the broker: where a queue has vanished, a message is returned, the broker is full
// or away, Publish is an error in words, the branch stays in doubt, and the same messages go out with the same ids once the
// broker takes them.
package rabbitmq

// Package nats is the NATS JetStream participant: messages that streams keep, published when a transaction has committed.
// NATS cannot prepare, so the messages of a promise are kept in a directory of the participant's own (package
// participant/staged) until the decision.
//
//	Prepare: is there a stream for each subject?          Commit: one message after the other
//	  its limits, its storage, the user's permission        Nats-Msg-Id and Txc-Msg-Id: BRANCH/N
//	        │                                                      │
//	        ▼                                                      ▼
//	  STREAM.NAMES, STREAM.INFO, USER.INFO  ◀── server ──▶  the stream's acknowledgement: synced, if the server is set so
//
// A repeated message is dropped by the server inside the stream's duplicate window. After a longer outage it is there twice,
// with the same Txc-Msg-Id: the promise is "at least once", and package participant/staged/once drops it at the consumer.
// Nothing on the server's side reaches further for an arbitrary stream: an expected last sequence of a subject needs a
// subject for each message, which a consumer would have to know.
package nats

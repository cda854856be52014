// Package polyglot proves that a participant needs nothing of this module but api/txc.proto: node/ is one in JavaScript,
// written from that file alone, with the unary methods and a journal of its own.
//
//	txc serve ──unary──▶ node/participant.js ──▶ journal (fsync before every YES and COMMITTED_NOW)
//	    │  ◀──Register, Inquire──┘
//	    └────streams───▶ participant-demo (key-value, Go)
//
// It takes part in transactions together with participants in Go, and is killed while in doubt.
package polyglot

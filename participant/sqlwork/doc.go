// Package sqlwork is what the participants of SQL databases have in common: how shipped work is read and checked, which
// statements may stand in a branch, and how what they read goes back to the client; how a handler runs (Handle), and how the
// calls of a joined branch share its session (Turns, Call), of which there are so many (Places). It knows no database.
//
//	bytes ──▶ Read ──▶ Terms.Orders ──▶ Order … ──▶ the adapter runs it ──▶ Results.Table, Add, End ──▶ Results.Bytes
//	            │          │ names, arguments,                                │ rows expected,            │
//	            │          │ Grammar.Admissible                               │ bounds                    │
//	            └──────────┴─▶ bad work                                       └───────────────────────────┴─▶ a No
package sqlwork

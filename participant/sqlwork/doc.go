// Package sqlwork is what the participants of SQL databases have in common: how shipped work is read and checked, which
// statements may stand in a branch, how what they read goes back to the client, and how a handler runs (Handle). It knows no
// database.
//
//	bytes ──▶ Read ──▶ Terms.Orders ──▶ Order … ──▶ the adapter runs it ──▶ Results.Table, Add, End ──▶ Results.Bytes
//	            │          │ names, arguments,                                │ rows expected,            │
//	            │          │ Grammar.Admissible                               │ bounds                    │
//	            └──────────┴─▶ bad work                                       └───────────────────────────┴─▶ a No
package sqlwork

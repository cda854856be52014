// Package kinds has what tests need to know of each kind of participant: how it is served, how operations are written for
// it, and how its store is read by its own tools.
//
//	Kind ── Serve(t) ──▶ House: one server, which can be killed           (a key-value store needs none)
//	                       │
//	                       └─ Home(t, cluster, name) ──▶ one participant-demo, with a database, stream, … of its own
//	                                   │
//	                                   ├─ Write: the operations of package campaign, as this kind's part of a transaction file
//	                                   └─ Read:  what is in it, as procs.Dump has it: accounts, counts, what is left in doubt
//
// Whoever adds an adapter adds a row to All, and has it in the crash points and in the campaign over all stores.
package kinds

// Package resourcetest defines what an adapter is: a participant.Resource that passes Run is one.
//
//	Run(t, fresh) ──▶ for each case:  fresh() ──▶ Store ── Open ──▶ Resource
//	                                                │                  │ Prepare, Commit, Abort, …
//	                                                │◀──── Crash ──────┤
//	                                                └───── Open ──────▶│ and what is there now?
//
// Every case is named by the sentence that it proves, with the rule that it belongs to. It gets a store of its own,
// drives it through the interface alone, ends it as a killed process would, opens it again, and asks. What a store can
// do differs, so a few hooks of Store may be left nil: the cases that need them are skipped, and said to be.
//
// A Resource that is a participant.Batcher goes through all of it twice: by its blocking methods, and by Submit.
//
// The suite is proved by adapters that are broken on purpose, each of which some case catches: see its own tests.
package resourcetest

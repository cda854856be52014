// Package txc is the vocabulary of strict-consistency transactions: ids, votes, outcomes, fates, reasons, errors,
// limits. It depends on the standard library alone, and everything else in the module depends on it.
//
//	        client                                   one transaction, c1.7.1042
//	          │ begin, enlist, commit                ┌──────────────────────────────┐
//	          ▼                                      │ branch at bank-a             │
//	     coordinator ── Prepare ──▶ participants     │ branch at bank-b             │
//	          │      ◀── Vote ────                   │ branch at ledger             │
//	 log: "commit c1.7.1042"   (the decision)        └──────────────────────────────┘
//	          │      ── Commit ──▶                    all of them commit, or none does
//	          ▼      ◀── Fate ────
//	committed / aborted / unknown
//
// Two rules run through all of it. Zero values are the safe belief: undecided, no vote, no answer. And there are
// three results of anything that crosses a process or a disk: done, not done, unknown; code that turns unknown into
// not done is a bug.
package txc

// Package campaign moves money at random between participants that are processes, kills those processes at random
// times, and audits afterwards, from the participants' own stores, that nothing was lost, made, or done by half.
//
//	workers ── transfers, reads of all accounts ──▶ txc run -f - -o json, package client
//	   │                                                 │
//	   └─▶ Book: key, branches, what was heard           ▼
//	                 ▲                         coordinator, participants ◀── killer: SIGKILL, start again
//	                 │                                                        (while starting, too)
//	              Audit ◀── dumps of the stores, offline
//
// Beside kills a configuration may ask for processes that are stopped for a while, or live one life with a failpoint, and
// for other workers under the same faults.
//
// A transfer leaves at each of its branches, beside the money, a count under its own key: so the audit sees of each
// one whether it happened at every branch, at none, or twice.
package campaign

// Package crash lets the built programs fail at every point of their gates, one after the other, and judges what is left
// by the participants' own stores.
//
//	coordinator.Points() ─┐            ┌ kill ┐
//	participant.Points() ─┴▶ points ×  │ stop │  in the scenario that passes the point
//	                                   │ error│
//	                                   └ delay┘
//	row:  scenario ── arms the victim: --fault POINT=kill ──▶ passed ──▶ it dies, stands still, …
//	          │                                                             │
//	      clients: what they were told                     everything up again: settled within 5 s
//	          │                                                             │
//	          └────────────────── Book ◀── asked by id and key ─────────────┤
//	                               │                                        └─▶ what its recovery passed:
//	                             Audit ◀── dumps of the stores                  a second kill at each of that
//
// points_test.go names for every point the scenario that passes it. A point without one, or one that is not passed,
// fails: whoever adds an action adds its point there. Kinds of participants are the rows of tests/internal/kinds.
//
// By flag: -size small|ci|all, -seed, -row PART-OF-A-ROW'S-NAME.
package crash

// Package reconcile joins what a coordinator's log has recorded with what participants themselves can show, and finds what
// cannot both be true. It changes nothing, and needs memory for a page of each, and for what is in doubt, which the
// stores' slots bound.
//
//	coordinator  unfinished ─┐
//	bank-a  proofs, in doubt ┤  merged in the order of ids, a page at a time
//	bank-b  proofs, in doubt ┘        │
//	                                  ▼
//	                       coordinator: Facts(ids) ──▶ judge ──▶ asked again where time could explain it ──▶ findings
//
// What proves something, and what does not:
//
//   - A proof was written with the branch's own commit, and the coordinator records before it tells anybody to commit (C1).
//     So a proof that is read first, and whose id the log does not have afterwards, though the history goes back that
//     far, was lost.
//   - A member that has not acknowledged a commit holds the promise or the proof (P1, P5): the promise turns into the proof
//     in one step, so whoever looks for the promise first and then for the proof sees one. Neither, and still no
//     acknowledgement after that: its store has lost it.
//   - A member that has acknowledged may have forgotten its proof the next moment (P5). Its absence proves nothing.
//   - Of what is below the history's floor, or disowned, or not yet presumable (C6), nobody can say how it was decided.
package reconcile

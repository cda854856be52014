// Package model holds the protocol's rules a second time, in Promela, and has Spin look at every order in which things can
// happen. The model is written from the rules alone: where it and the shipped machines disagree, one of them is wrong.
//
//	           txc.pml  (words, log, properties)
//	              │
//	coordinator.pml ──── branches.pml      its steps, and those about one participant
//	     │   ▲            orphans.pml       the search for forgotten promises
//	sent │   │ votes, said, hello           messages: lost, repeated, delayed, in any order
//	     ▼   │
//	participant.pml ──── messages.pml      its steps, and its answers to one opening
//	     │
//	cache ──▶ disk                          a kill leaves the one, a power cut the other
//
// A message, once sent, can be delivered at any time, any number of times, or not while anything else can happen. Nothing
// is sent again, therefore, and no step can be undone by another: every run ends (which `pan -l` checks: there is no
// cycle), and where it ends all that could be delivered was. So liveness with fairness after a heal is a property of the
// last state: process Rest waits for it, and asserts that everything is at rest.
//
// Switches, given to cpp:
//
//	N, OPENINGS, CRASHES   participants; openings of the log, so restarts of coordinators and one; crashes of participants
//	FORGETTING             ends, the history's floor, watermarks (P5)
//	ORPHANS                the search for orphans (C9)
//	READERS                read-only votes
//	RIVAL                  two processes of one number over one replicated log
//	TWO_LOGS               two processes of one number, the second on an old copy of the first's log
//	UNSEEN                 the first opening's HELLO is under way when all begins
//	LOSS                   a log that loses any part of its end, synced or not
//	OPERATOR               branches settled by hand, at both sides, and behind the participant's back
//	BACKUP                 a participant's store comes back from a backup
//	MUTANT_…               a mistake, which an assertion must catch
//
// Not in it: keys (C11), members and removal (C13), joined work, isolation, the operator's accepting of a loss, and the
// presumption after a minute (C6), which trades the certainty for other members' locks on purpose.
//
//	go test ./tests/model                a small one, and two mutants, drawn by -seed
//	go test ./tests/model -size ci -v    what takes every step, and a third of the mutants
//	go test ./tests/model -size all -v   three participants, three openings, every mutant
//
// After a failure the test prints how to have Spin tell the story of it.
package model

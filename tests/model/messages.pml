/* The participant's steps that answer messages of one opening, m, other than PREPARE.  Included into its loop for each. */

	/* HELLO: the epoch is durable, and what was begun for an older one has ended, before it is answered (P6). */
	:: atomic { comes(m, HELLO) && (cache[p].seen == 0 || older(cache[p].seen, m)) && olderWritesEnded -> d_step {
		cache[p].seen = m;
#ifndef MUTANT_FENCE_NOT_DURABLE
		disk[p].seen = m;
#endif
		hello[at(m, p)] = (listens(m) -> disk[p].witness + 1 : 0)
		} }
	:: atomic { isLive && listens(m) && sent[at(m, p)] != 0 && refuses(m) && !(said[at(m, p)] & FENCED) -> d_step { answer(m, FENCED) } }

	/* COMMIT */
	:: atomic { comes(m, COMMIT) && obeys(m) && (theState == PROMISED || theState == HAZARD) && doing[p] == IDLE -> d_step {
		theState = COMMITTED;
#ifndef MUTANT_WITNESS_NOT_KEPT_WITH_COMMITS
		cache[p].witness = witness(m, carried[m]);
#endif
#ifdef MUTANT_ACKNOWLEDGED_BEFORE_DURABLE
		answer(m, DONE);
#endif
		doing[p] = WRITING_COMMIT } }
	:: atomic { comes(m, COMMIT) && listens(m) && obeys(m) && theState == COMMITTED && doing[p] == IDLE && !(said[at(m, p)] & DONE) -> d_step { answer(m, DONE) } }
	:: atomic { comes(m, COMMIT) && listens(m) && obeys(m) && theState == SETTLED_COMMITTED && !(said[at(m, p)] & DONE) -> d_step { answer(m, DONE) } }
	:: atomic { comes(m, COMMIT) && listens(m) && obeys(m) && theState == SETTLED_ABORTED && !(said[at(m, p)] & BEFORE) -> d_step { answer(m, BEFORE) } }
	:: atomic { comes(m, COMMIT) && listens(m) && obeys(m) && (theState == NOTHING || theState == FORGOTTEN) && doing[p] == IDLE && !(said[at(m, p)] & (DONE | NEVER)) -> d_step {
		answer(m, NEVER) } }

	/* ABORT */
	:: atomic { comes(m, ABORT) && obeys(m) && (theState == PROMISED || theState == HAZARD) && doing[p] == IDLE -> d_step { theState = NOTHING; refuse() } }
	:: atomic { comes(m, ABORT) && obeys(m) && doing[p] == EXECUTING -> d_step { refuse() } }
	:: atomic { comes(m, ABORT) && obeys(m) && doing[p] == WRITING_PROMISE && !(cancelled & one(p)) -> d_step { cancelled = cancelled | one(p) } }
	:: atomic { comes(m, ABORT) && obeys(m) && theState == NOTHING && doing[p] == IDLE && !((tombstone | passed) & one(p)) -> d_step { emptyRollback() } }
	:: comes(m, ABORT) && obeys(m) && theState == COMMITTED && nobodyMeddles -> assert(false)	/* never taken */
	:: atomic { comes(m, ABORT) && listens(m) && obeys(m) && theState == SETTLED_COMMITTED && !(said[at(m, p)] & OTHERWISE) -> d_step { answer(m, OTHERWISE) } }

	/* FINISHED, to a promise, is a hazard: nobody knows, and a person is told (P2). */
	:: atomic { comes(m, FINISHED) && obeys(m) && theState == PROMISED && doing[p] == IDLE -> d_step {
#ifdef MUTANT_FINISHED_ENDS_A_PROMISE
		theState = NOTHING; persist(); refuse()
#else
		theState = HAZARD; persist()
#endif
		} }

	/* The watermark drops what is remembered, and no promise (P5). */
	:: atomic { comes(m, PASSED) && obeys(m) && doing[p] == IDLE && !(passed & one(p)) -> d_step {
		passed = passed | one(p); tombstone = tombstone & ~one(p);
		theState = (theState == COMMITTED -> FORGOTTEN : theState) } }

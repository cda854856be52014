/* The coordinator's steps that concern one participant, p.  Included into its loop once for each. */

	/* Answers to COMMIT. One of a branch that has answered is ignored. */
	:: atomic { phase[c] == COMMITTING && isMember(c, p) && heardFrom(c, p, isSuccess) && !hasAnswered(c, p) -> d_step {
		acked[c] = acked[c] | one(p) } }
	:: atomic { phase[c] == COMMITTING && isMember(c, p) && heardFrom(c, p, isHeuristic) && owns(c) &&
		(!hasAnswered(c, p) || onlySettled(c, p)) -> d_step {
		mustBeSettled(p);
		append(ofLog(c), mine(c).mixedAt); append(ofLog(c), mine(c).ackAt[p]); sync(ofLog(c));
		acked[c] = acked[c] | one(p) } }
	:: atomic { phase[c] == COMMITTING && hasAnswered(c, p) && heardFrom(c, p, DONE) && mine(c).ackAt[p] == 0 && owns(c) -> d_step {
		append(ofLog(c), mine(c).ackAt[p]) } }							/* lazy */

	/* Hello, and what it shows. */
	:: atomic { serving(c) && hello[at(me[c], p)] > 0 && !(heard[c] & one(p)) && contained(ofLog(c), shown(c, p)) -> d_step {
		heard[c] = heard[c] | one(p) } }
	:: atomic { serving(c) && hello[at(me[c], p)] > 0 && !mine(c).lost && !contained(ofLog(c), shown(c, p)) -> d_step {
		mine(c).lost = true } }
	:: atomic { phase[c] != DOWN && phase[c] != STOPPED && heardFrom(c, p, FENCED) -> d_step { phase[c] = STOPPED } }	/* C5 */

	/* A participant asks (C4). */
	:: atomic { (asked & one(p)) && isAborted(c, p) && !saidTo(c, p, ABORT) -> d_step { decideAbort(); say(c, p, ABORT) } }
	:: atomic { (asked & one(p)) && isCommitted(c) && isMember(c, p) && !hasAnswered(c, p) && !saidTo(c, p, COMMIT) -> d_step {
		mustBeDurable(c); sayCommit(c, p) } }
	:: atomic { (asked & one(p)) && serving(c) && phase[c] != DECIDING && !saidTo(c, p, FINISHED) &&
		(isKept(c) && hasAnswered(c, p) && !onlySettled(c, p) || isDropped(c)) -> d_step { say(c, p, FINISHED) } }
#ifdef OPERATOR
	:: atomic { (asked & one(p)) && isCommitted(c) && onlySettled(c, p) && !saidTo(c, p, COMMIT) -> d_step { sayCommit(c, p) } }
	:: atomic { serving(c) && onlySettled(c, p) && heardFrom(c, p, DONE) && owns(c) -> d_step {
		append(ofLog(c), mine(c).ackAt[p]); sync(ofLog(c)) } }					/* its own answer, at last */
	:: atomic { phase[c] == COMMITTING && isMember(c, p) && !hasAnswered(c, p) && owns(c) -> d_step {
		append(ofLog(c), mine(c).settledAt[p]); sync(ofLog(c));
		acked[c] = acked[c] | one(p) } }								/* settled here (H3) */
#ifndef MUTANT_OTHERWISE_UNREPORTED
	:: atomic { serving(c) && heardFrom(c, p, OTHERWISE) && mine(c).mixedAt == 0 && owns(c) -> d_step {
		append(ofLog(c), mine(c).mixedAt); sync(ofLog(c)) } }					/* aborted, mixed (H4) */
#endif
#endif

	/* The watermark may pass what cannot come here again (P5). */
#ifdef FORGETTING
	:: atomic { serving(c) && phase[c] != DECIDING && recorded(c) && cannotComeAgain(c, p) && !saidTo(c, p, PASSED) -> d_step { say(c, p, PASSED) } }
	:: atomic { serving(c) && isOver(c) && !recorded(c) && (me[c] == MINE || (heard[c] & one(p))) && !saidTo(c, p, PASSED) -> d_step {
		say(c, p, PASSED) } }
#endif

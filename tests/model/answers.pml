/* What an answer to COMMIT means (P7), and what is durable of it. */

#ifdef MUTANT_NOT_FOUND_IS_SUCCESS
#define isSuccess	(DONE | NEVER)
#define isHeuristic	BEFORE
#else
#define isSuccess	DONE
#define isHeuristic	(NEVER | BEFORE)
#endif

#ifdef MUTANT_WATERMARK_PAST_AN_ACKNOWLEDGEMENT_IN_MEMORY
#define cannotComeAgain(c,p)	hasAnswered(c,p)
#elif defined(MUTANT_WATERMARK_PAST_A_LAZY_END)
#define cannotComeAgain(c,p)	(mine(c).ackAt[p] > 0 || mine(c).endAt > 0)
#else
#define cannotComeAgain(c,p)	(durable(c, mine(c).ackAt[p]) || durable(c, mine(c).endAt))
#endif

#define shown(c,p)	(hello[at(me[c], p)] - 1)	/* the witness; 0 in hello says that none was shown */

/* The coordinator.  Each option of the loop is one step: between any two of them everything else may happen. */

#define serving(c)	(phase[c] != DOWN && phase[c] != OPENING && phase[c] != STOPPED)
#define saidTo(c,p,what)	(sent[at(me[c], p)] & (what))
#define heardFrom(c,p,what)	(said[at(me[c], p)] & (what))
#define isMember(c,p)	(mine(c).members & one(p))
#define hasAnswered(c,p)	(acked[c] & one(p))

/* All votes are here, and none is a No.  Votes that lie in the network are as good as taken: taking one changes nothing. */
#ifdef MUTANT_UNKNOWN_VOTE_IS_YES
#define allVoted(bits)	(votes[0] & (bits))
#elif N == 2
#define allVoted(bits)	((votes[0] & (bits)) && (votes[1] & (bits)))
#else
#define allVoted(bits)	((votes[0] & (bits)) && (votes[1] & (bits)) && (votes[2] & (bits)))
#endif

inline say(c, q, what) { sent[at(me[c], q)] = sent[at(me[c], q)] | (what) }

/* COMMIT bears the last synced LSN, of when the opening first sends it: later ones only prove more. */
inline sayCommit(c, q) {
	say(c, q, COMMIT);
	carried[me[c]] = (carried[me[c]] == 0 -> mine(c).synced : carried[me[c]])
}

inline sendCommit(c) {
	mustBeDurable(c);
	for (j : 0 .. N - 1) {
		if
		:: isMember(c, j) && !hasAnswered(c, j) -> sayCommit(c, j)
		:: else
		fi
	}
	j = 0
}

/* Abort is sent to all but the certain Noes and the read-only. */
inline sendAbort(c) {
	decideAbort();
	for (j : 0 .. N - 1) {
		if
		:: !(votes[j] & (CERTAIN_NO | READ_ONLY)) -> say(c, j, ABORT)
		:: else
		fi
	}
	j = 0
}

/* C4: of what is not recorded, aborted may be said if it was of this opening and has ended, or when every member is heard
 * and nothing that they showed is missing from the log (C6). */
#ifdef MUTANT_ABORTED_WHILE_VOTING
#define isOver(c)	(phase[c] == ENDED || phase[c] == VOTING)
#else
#define isOver(c)	(phase[c] == ENDED)
#endif
#ifdef MUTANT_PRESUMED_UNHEARD
#define mayPresume(c,p)	1
#elif defined(MUTANT_PRESUMED_AFTER_THE_ASKER_ALONE)
#define mayPresume(c,p)	((heard[c] & one(p)) && !mine(c).lost)
#else
#define mayPresume(c,p)	(heard[c] == ALL && !mine(c).lost)
#endif
#define isOurs(c)	(mine(c).openAt[MINE] > 0)

/* A record is in the history until it is dropped from there, which is below the floor then. */
#ifdef MUTANT_FORGOTTEN_AT_FIRST_ACKNOWLEDGEMENT
#define isKept(c)	(recorded(c) && acked[c] == 0)
#define isDropped(c)	0
#define unrecorded(c)	(!isKept(c) && (recorded(c) || isOver(c)))
#elif defined(MUTANT_RESTORED_IS_ABORTED) || defined(MUTANT_SETTLED_ENDS_THE_RECORD)
#define isKept(c)	(recorded(c) && mine(c).dropAt == 0)
#define isDropped(c)	0
#define unrecorded(c)	(!isKept(c) && isOver(c))
#else
#define isKept(c)	(recorded(c) && mine(c).dropAt == 0)
#define isDropped(c)	(recorded(c) && mine(c).dropAt > 0)
#define unrecorded(c)	(!recorded(c) && isOver(c))
#endif
#define isAborted(c,p)	(serving(c) && isOurs(c) && unrecorded(c) && (me[c] == MINE || mayPresume(c,p)))

#ifdef MUTANT_REPLY_BEFORE_LOGGED
#define isCommitted(c)	(serving(c) && isKept(c))
#else
#define isCommitted(c)	(serving(c) && isKept(c) && phase[c] != DECIDING)
#endif

/* An operator's word on a branch ends the waiting, not the record (H3). */
#ifdef MUTANT_SETTLED_ENDS_THE_RECORD
#define onlySettled(c,q)	0
#else
#define onlySettled(c,q)	(mine(c).settledAt[q] > 0 && mine(c).ackAt[q] == 0)
#endif
#if N == 2
#define mayEnd(c)	(!onlySettled(c,0) && !onlySettled(c,1))
#else
#define mayEnd(c)	(!onlySettled(c,0) && !onlySettled(c,1) && !onlySettled(c,2))
#endif

/* replay is what the opened log says: the memory of the process that crashed is gone. */
inline replay(c) {
#ifndef MUTANT_REPLAY_NOT_SYNCED
	sync(ofLog(c));
#endif
	acked[c] = 0;
	heard[c] = 0;
	for (i : 0 .. N - 1) {
		sent[at(me[c], i)] = sent[at(me[c], i)] | HELLO;
		if
		:: mine(c).ackAt[i] > 0 || mine(c).settledAt[i] > 0 -> acked[c] = acked[c] | one(i)
		:: else
		fi
	}
	if
	:: recorded(c) && mine(c).endAt == 0 -> phase[c] = COMMITTING; sendCommit(c)
	:: else -> phase[c] = ENDED
	fi
}

proctype Coordinator(byte c) {
end:	do
	/* Life and death of the process. */
	:: atomic { phase[c] == DOWN && openings < OPENINGS && mayOpen(c) -> d_step { open(c) } }
	:: atomic { phase[c] == OPENING -> d_step { replay(c) } }
	:: atomic { mayDie(c) -> d_step { forget(c) } }		/* kill -9 */
#ifndef RIVAL
	:: atomic { mayDie(c) && mine(c).last > mine(c).synced -> d_step {
		forget(c); truncate(ofLog(c), mine(c).synced) } }							/* power cut */
#endif
#ifdef LOSS
	:: atomic { phase[c] == DOWN && openings > 0 && mine(c).last > 1 -> d_step { truncate(ofLog(c), mine(c).last - 1) } }
#endif

	/* Two phases. */
	:: atomic { phase[c] == NEW -> d_step {
		for (j : 0 .. N - 1) { say(c, j, PREPARE) }
		phase[c] = VOTING } }
	:: atomic { phase[c] == VOTING && allVoted(READ_ONLY) -> d_step { phase[c] = ENDED; tell(TOLD_NOTHING_WRITTEN) } }
	:: atomic { phase[c] == VOTING && allVoted(YES | READ_ONLY) && !allVoted(READ_ONLY) && owns(c) -> d_step {
		append(ofLog(c), mine(c).commitAt);
		for (j : 0 .. N - 1) { mine(c).members = mine(c).members | (votes[j] & READ_ONLY -> 0 : one(j)) }
#ifdef MUTANT_COMMIT_BEFORE_LOGGED
		sendCommit(c);
#endif
		phase[c] = DECIDING
		} }
	:: atomic { phase[c] == VOTING -> d_step { phase[c] = ENDED; sendAbort(c) } }			/* a No, the deadline, a lost peer */
	:: atomic { phase[c] == DECIDING && owns(c) -> d_step { sync(ofLog(c)); phase[c] = COMMITTING; sendCommit(c) } }
#ifdef MUTANT_FAILED_APPEND_ABORTS
	:: atomic { phase[c] == DECIDING -> d_step { phase[c] = ENDED; sendAbort(c) } }
#endif
#ifdef MUTANT_DEADLINE_WHILE_DECIDING
	:: atomic { phase[c] == DECIDING -> d_step { sendAbort(c) } }
#endif
	:: atomic { (phase[c] == VOTING || phase[c] == DECIDING) && !owns(c) -> d_step { phase[c] = STOPPED } }	/* the log refused (C3) */

	/* Completion. The lazy records become durable at some time, by whatever is synced next. */
	:: atomic { phase[c] == COMMITTING && acked[c] == mine(c).members && mayEnd(c) && owns(c) -> d_step {
		phase[c] = ENDING; append(ofLog(c), mine(c).endAt) } }
	:: atomic { (phase[c] == COMMITTING || phase[c] == ENDING) && mine(c).last > mine(c).synced && owns(c) -> d_step { sync(ofLog(c)) } }
	:: atomic { phase[c] == ENDING && durable(c, mine(c).endAt) -> d_step { phase[c] = ENDED } }
#ifdef FORGETTING
	:: atomic { phase[c] == ENDED && durable(c, mine(c).endAt) && mine(c).dropAt == 0 && owns(c) -> d_step {
		append(ofLog(c), mine(c).dropAt); sync(ofLog(c)) } }
#endif
	:: atomic { phase[c] == COMMITTING && !owns(c) -> d_step { phase[c] = STOPPED } }

	/* A client asks, or waits for the answer. */
	:: atomic { isCommitted(c) && !(told & TOLD_COMMITTED) -> d_step { mustBeDurable(c); tell(TOLD_COMMITTED) } }
	:: atomic { isAborted(c, 0) && !(told & (TOLD_ABORTED | TOLD_NOTHING_WRITTEN)) -> d_step { decideAbort(); tell(TOLD_ABORTED) } }

	/* What concerns one participant. */
#define p 0
#include "branches.pml"
#undef p
#define p 1
#include "branches.pml"
#undef p
#if N == 3
#define p 2
#include "branches.pml"
#undef p
#endif
	od
}

/* The participant: its agent and its store.  What it writes is in the cache first, and on the disk when it is synced. */

#define isLive		(live & one(p))
#define theState	cache[p].state

/* P6: an opening's messages are taken while none newer was seen; a stream begins with HELLO. */
#define older(a,b)	(epochOf[a] < epochOf[b])
#define refuses(m)	(cache[p].seen != 0 && m != cache[p].seen && !older(cache[p].seen, m))
#define accepts(m)	(cache[p].seen == m)
#ifdef MUTANT_FENCE_PREPARE_ONLY
#define obeys(m)	(cache[p].seen != 0)
#else
#define obeys(m)	accepts(m)
#endif
#if COORDINATORS == 2
#define listens(m)	(me[0] == m || me[1] == m)
#else
#define listens(m)	(me[0] == m)
#endif
#define comes(m,what)	(isLive && (sent[at(m, p)] & (what)))

inline answer(m, what) { said[at(m, p)] = said[at(m, p)] | (what) }
inline persist() {
	disk[p].state = cache[p].state; disk[p].witness = cache[p].witness; disk[p].seen = cache[p].seen
}
inline revert() {
	cache[p].state = disk[p].state; cache[p].witness = disk[p].witness; cache[p].seen = disk[p].seen
}
inline vote(what) { votes[p] = (listens(MINE) -> votes[p] | (what) : votes[p]) }
inline promised() { vote(YES); asked = asked | one(p) }
inline refuse() { vote(CERTAIN_NO); tombstone = tombstone | one(p); doing[p] = IDLE; aborts(p) }

inline crash() {
	live = live & ~one(p); restarted = restarted | one(p);
	tombstone = tombstone & ~one(p); passed = passed & ~one(p); cancelled = cancelled & ~one(p);
	doing[p] = IDLE; crashes++
}

#ifdef MUTANT_HELLO_BEFORE_OLDER_WRITES
#define olderWritesEnded	1
#else
#define olderWritesEnded	(doing[p] != WRITING_PROMISE && doing[p] != WRITING_COMMIT)
#endif

/* What opens a branch: a PREPARE for this incarnation, of an id that is neither ended here nor below the watermark (P4, P5). */
#ifdef MUTANT_INCARNATION_IGNORED
#define mayExecute	(!((tombstone | passed) & one(p)))
#elif defined(MUTANT_PREPARED_BELOW_THE_WATERMARK)
#define mayExecute	(!((tombstone | restarted) & one(p)))
#else
#define mayExecute	(!((tombstone | passed | restarted) & one(p)))
#endif

#ifdef MUTANT_EMPTY_ROLLBACK_FORGOTTEN
inline emptyRollback() { aborts(p) }
#else
inline emptyRollback() { tombstone = tombstone | one(p); aborts(p) }
#endif

proctype Participant(byte p) {
end:	do
	/* Life and death of the process; what the cache says is synced before anything rests on it (P10). */
	:: atomic { isLive && crashes < CRASHES -> d_step { crash() } }							/* kill -9 */
	:: atomic { isLive && crashes < CRASHES && (cache[p].state != disk[p].state || cache[p].seen != disk[p].seen) -> d_step {
		crash(); revert() } }										/* power cut */
	:: atomic { !isLive -> d_step {
#ifndef MUTANT_STORE_REPLAY_NOT_SYNCED
		persist();
#endif
		live = live | one(p);
		asked = (theState == PROMISED -> asked | one(p) : asked) } }
#ifdef BACKUP
	:: atomic { !isLive && (theState == COMMITTED || theState == FORGOTTEN) -> d_step {
		theState = PROMISED; cache[p].witness = witness(MINE, 1); cache[p].seen = MINE; persist(); restored = true } }
#endif

	/* Execution (the operations are shipped inside PREPARE), and the promise. */
	:: atomic { comes(MINE, PREPARE) && accepts(MINE) && theState == NOTHING && doing[p] == IDLE && mayExecute -> d_step {
		doing[p] = EXECUTING; executes(p) } }
	:: atomic { comes(MINE, PREPARE) && accepts(MINE) && theState == NOTHING && doing[p] == IDLE && ((tombstone | passed) & one(p)) &&
		listens(MINE) && votes[p] == 0 -> d_step { vote(CERTAIN_NO) } }
	:: atomic { doing[p] == EXECUTING -> d_step { refuse() } }					/* a lock died, the deadline, no space */
#ifdef READERS
	:: atomic { doing[p] == EXECUTING -> d_step { vote(READ_ONLY); tombstone = tombstone | one(p); doing[p] = IDLE; readOnly(p) } }
#endif
	:: atomic { doing[p] == EXECUTING -> d_step { theState = PROMISED; cache[p].witness = witness(MINE, 1);
#ifdef MUTANT_VOTE_BEFORE_THE_PROMISE
		promised();
#endif
		doing[p] = WRITING_PROMISE } }
	:: atomic { doing[p] == WRITING_PROMISE && !(cancelled & one(p)) -> d_step { persist(); doing[p] = IDLE; promised() } }
	:: atomic { doing[p] == WRITING_PROMISE && (cancelled & one(p)) -> d_step { theState = NOTHING; persist(); refuse() } }

	/* The decision, applied. */
	:: atomic { doing[p] == WRITING_COMMIT -> d_step { persist(); doing[p] = IDLE; commits(p) } }

#ifdef MUTANT_UNDECIDED_ENDS_A_PROMISE
	:: atomic { isLive && theState == PROMISED && doing[p] == IDLE -> d_step { theState = NOTHING; persist(); refuse() } }
#endif
#ifdef OPERATOR
	/* An operator settles what is in doubt (H2), or reaches past everything into the store, which then knows nothing. */
	:: atomic { isLive && theState == PROMISED && doing[p] == IDLE -> d_step { theState = SETTLED_COMMITTED; persist(); settles(p, SETTLED_C) } }
	:: atomic { isLive && theState == PROMISED && doing[p] == IDLE -> d_step { theState = SETTLED_ABORTED; persist(); settles(p, SETTLED_A) } }
	:: atomic { isLive && theState == PROMISED && doing[p] == IDLE -> d_step { theState = NOTHING; tombstone = tombstone | one(p); persist(); settles(p, SETTLED_A) } }
#endif

	/* What comes from each opening. */
#define m 1
#include "messages.pml"
#undef m
#define m 2
#include "messages.pml"
#undef m
#if OPENINGS == 3
#define m 3
#include "messages.pml"
#undef m
#endif
	od
}

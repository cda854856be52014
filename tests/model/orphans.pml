/* The search for orphans (C9), one round for each opening, beginning at any time: list who is in doubt (P), look at what
 * runs (A), at the records (T), and list again (Q).  Lists are asked of those who run and know this opening; each list
 * here is one step, as nothing depends on how its parts interleave. */

#if N == 2
#define inDoubt(c)	(doubts(c,0) | doubts(c,1))
#else
#define inDoubt(c)	(doubts(c,0) | doubts(c,1) | doubts(c,2))
#endif
#define doubts(c,q)	((live & one(q)) && cache[q].seen == me[c] && cache[q].state == PROMISED && doing[q] == IDLE -> one(q) : 0)
#define runs(c)		(phase[c] == VOTING || phase[c] == DECIDING)

/* The order of the looks, and its mutants. */
#ifdef MUTANT_ORPHANS_AMONG_RECORDS_FIRST
#define lookAt1(c)	inLog[c] = recorded(c)
#define lookAt2(c)	running[c] = runs(c)
#else
#define lookAt1(c)	running[c] = runs(c)
#define lookAt2(c)	inLog[c] = recorded(c)
#endif
#ifdef MUTANT_ORPHANS_UNHEARD
#define mayJudge(c)	1
#else
#define mayJudge(c)	(me[c] == MINE || heard[c] == ALL && !mine(c).lost)
#endif

inline judge(c) {
	for (j : 0 .. N - 1) {
		if
		:: (listed[c] & one(j)) && !running[c] && inLog[c] -> sayCommit(c, j)
		:: (listed[c] & one(j)) && !running[c] && !inLog[c] && isOurs(c) && mayJudge(c) -> decideAbort(); say(c, j, ABORT)
		:: else
		fi
	}
	j = 0
}

proctype Orphans(byte c) {
end:	do
#ifdef MUTANT_ORPHANS_OF_THE_RUNNING_FIRST
	:: atomic { serving(c) && stage[c] == RESTING -> d_step { running[c] = runs(c); stage[c] = LISTED } }
	:: atomic { serving(c) && stage[c] == LISTED && inDoubt(c) -> d_step { listed[c] = inDoubt(c); stage[c] = SAW_RUNNING } }
#else
	:: atomic { serving(c) && stage[c] == RESTING && inDoubt(c) -> d_step { listed[c] = inDoubt(c); stage[c] = LISTED } }
	:: atomic { serving(c) && stage[c] == LISTED -> d_step { lookAt1(c); stage[c] = SAW_RUNNING } }
#endif
	:: atomic { serving(c) && stage[c] == SAW_RUNNING -> d_step { lookAt2(c); stage[c] = SAW_RECORDS } }
	:: atomic { serving(c) && stage[c] == SAW_RECORDS -> d_step { listed[c] = listed[c] & inDoubt(c); judge(c); stage[c] = JUDGED } }
	od
}

/* The log, and opening it. */

/* Another opening of the same log came after c's: a replicated log refuses to append (C3: fenced). */
#if OPENINGS == 2
#define newest(l)	(log[l].openAt[2] > log[l].openAt[1] -> 2 : 1)
#else
#define later(l,a,b)	(log[l].openAt[b] > log[l].openAt[a] -> (b) : (a))
#define newest(l)	(log[l].openAt[3] > log[l].openAt[2] && log[l].openAt[3] > log[l].openAt[1] -> 3 : later(l,1,2))
#endif
#define owns(c)	(newest(ofLog(c)) == me[c])


/* A crash needs an opening that is left; of two processes, the second needs the last one. */
#define mayDie(c)	(phase[c] != DOWN && phase[c] != STOPPED && openings + COORDINATORS - 1 < OPENINGS)

inline append(l, place) { log[l].last++; place = log[l].last }
inline sync(l) { log[l].synced = log[l].last }

#define kept(l,lsn)	((lsn) > log[l].last -> 0 : (lsn))

/* truncate leaves the first k records of a log: what a power cut does to its unsynced end, and what an old copy is. */
inline truncate(l, k) {
	log[l].last = k;	/* k may be an expression of it: from here on, it is last that is meant */
	log[l].synced = (log[l].synced > log[l].last -> log[l].last : log[l].synced);
	for (i : 1 .. OPENINGS) { log[l].openAt[i] = kept(l, log[l].openAt[i]) }
	for (i : 0 .. N - 1) {
		log[l].ackAt[i] = kept(l, log[l].ackAt[i]);
		log[l].settledAt[i] = kept(l, log[l].settledAt[i])
	}
	log[l].commitAt = kept(l, log[l].commitAt);
	log[l].members = (log[l].commitAt == 0 -> 0 : log[l].members);
	log[l].mixedAt = kept(l, log[l].mixedAt);
	log[l].endAt = kept(l, log[l].endAt);
	log[l].dropAt = kept(l, log[l].dropAt)
}

/* contained: this witness's opening is in the log, and its LSN lies below the next opening's first (C6). */
#ifdef MUTANT_WITNESS_OFF_BY_ONE
#define before(l,m,w)	(log[l].openAt[m] <= log[l].openAt[wMark(w)] || wLSN(w) <= log[l].openAt[m])
#else
#define before(l,m,w)	(log[l].openAt[m] <= log[l].openAt[wMark(w)] || wLSN(w) < log[l].openAt[m])
#endif
#if OPENINGS == 2
#define allBefore(l,w)	(before(l,1,w) && before(l,2,w))
#else
#define allBefore(l,w)	(before(l,1,w) && before(l,2,w) && before(l,3,w))
#endif
#define contained(l,w)	(wMark(w) == 0 || (log[l].openAt[wMark(w)] > 0 && allBefore(l,w) && wLSN(w) <= log[l].synced))

/* open takes the next epoch and a new mark, and writes both (C7).  What was replayed may never have been synced: it is
 * written again, and synced, before anything rests on it. */
inline open(c) {
	openings++;
	epochOf[openings] = 1;
	for (i : 1 .. OPENINGS) {
		if
		:: i < openings && mine(c).openAt[i] > 0 && epochOf[i] >= epochOf[openings] -> epochOf[openings] = epochOf[i] + 1
		:: else
		fi
	}
	me[c] = openings;
	append(ofLog(c), mine(c).openAt[openings]);
	phase[c] = OPENING
}

/* forget is the end of a coordinator's process: its log stays.  What was said to it, nobody will ever read. */
inline forget(c) {
	for (i : 0 .. N - 1) {
		said[at(me[c], i)] = 0; hello[at(me[c], i)] = 0;
		votes[i] = (me[c] == MINE -> 0 : votes[i])
	}
	phase[c] = DOWN; me[c] = 0; acked[c] = 0; heard[c] = 0
#ifdef ORPHANS
	; stage[c] = RESTING; listed[c] = 0; running[c] = false; inLog[c] = false
#endif
}

#ifdef TWO_LOGS
#define mayOpen(c)	(c == 0 || copied)
bool copied;

/* Somebody starts another process on a copy of the log of coordinator 1.  An old copy is a part of what the log is now:
 * copying, waiting and starting are one step. */
proctype Copy() {
	atomic {
		openings < OPENINGS -> copied = true;
		log[1].last = log[0].last; log[1].synced = log[0].last;
		log[1].commitAt = log[0].commitAt; log[1].members = log[0].members; log[1].mixedAt = log[0].mixedAt;
		log[1].endAt = log[0].endAt; log[1].dropAt = log[0].dropAt;
		for (i : 1 .. OPENINGS) { log[1].openAt[i] = log[0].openAt[i] }
		for (i : 0 .. N - 1) { log[1].ackAt[i] = log[0].ackAt[i]; log[1].settledAt[i] = log[0].settledAt[i] }
		do
		:: log[1].last > 0 -> d_step { truncate(1, log[1].last - 1) }
		:: break
		od;
		d_step { open(1) }
	}
}
#else
#define mayOpen(c)	1
#endif

/* What must be true: ghosts, which no process reads, and the assertions on them. */

/* A branch's own fate: it is given at most one by the protocol. What an operator settled is apart. */
#define COMMITS		1
#define ABORTS		2
#define READS		3
#define SETTLED_C	4
#define SETTLED_A	5
byte fate[N];

#define TOLD_COMMITTED		1
#define TOLD_ABORTED		2
#define TOLD_NOTHING_WRITTEN	4
byte told;			/* what clients have heard */

#define DECIDED_COMMIT	1
#define DECIDED_ABORT	2
byte decided;			/* C2: one of them, for ever */

bool restored;			/* a store came back from a backup */

/* What may be relied on where a log has lost records, or is there twice: only what participants apply, and that a client's
 * aborted is true. */
#if defined(LOSS) || defined(TWO_LOGS)
#define logsAreSound	0
#else
#define logsAreSound	1
#endif
#if defined(OPERATOR) || defined(BACKUP)
#define nobodyMeddles	0
#else
#define nobodyMeddles	1
#endif

#define some(f)		(fate[0] == f || fate[1] == f || fate[N - 1] == f)
#define agreed		(!(some(COMMITS) && some(ABORTS)))
#define toldTrue	(!((told & TOLD_ABORTED) && some(COMMITS)) && !(logsAreSound && (told & TOLD_COMMITTED) && some(ABORTS)))
#define oneWord		(!((told & TOLD_COMMITTED) && (told & (TOLD_ABORTED | TOLD_NOTHING_WRITTEN))))

inline check() {
	assert(agreed);
	assert(toldTrue);
	assert(!logsAreSound || oneWord);
	assert(!logsAreSound || decided != (DECIDED_COMMIT | DECIDED_ABORT))
}

inline tell(what) { told = told | (what); check() }
inline decideAbort() { decided = decided | DECIDED_ABORT; check() }

/* C1: no COMMIT leaves, and nobody hears committed, before the record is durable. */
inline mustBeDurable(c) {
	assert(durable(c, mine(c).commitAt));
	decided = decided | DECIDED_COMMIT;
	check()
}

/* A branch is executed once (V8): not after it ended, and not after it was aborted. */
inline executes(q) { assert(fate[q] == 0) }
inline readOnly(q) { fate[q] = READS }
inline settles(q, how) { fate[q] = (fate[q] == 0 -> how : fate[q]) }
inline aborts(q) {
	assert(fate[q] != COMMITS);
	fate[q] = (fate[q] == 0 -> ABORTS : fate[q]);
	check()
}

/* P1: what commits here is promised durably by every other branch, or has committed there, or an operator had his way. */
#define promisedAt(q)	(disk[q].state != NOTHING || fate[q] >= READS)
inline commits(q) {
	assert(fate[q] != ABORTS);
	fate[q] = (fate[q] == 0 -> COMMITS : fate[q]);
	assert(promisedAt(0) && promisedAt(1) && promisedAt(N - 1));
	check()
}

/* No false alarm: never prepared, and aborted before, are heard only of what was settled by hand (P7, P5). */
inline mustBeSettled(q) { assert(fate[q] >= SETTLED_C || restored) }

/* Liveness.  Every step changes something that never changes back (`pan -l` finds no cycle), so that a run ends, whatever
 * fails, and with every message that was ever sent delivered: where it ends, all must be at rest. */
#define endedWell(q)	(cache[q].state != PROMISED && (cache[q].state != HAZARD || !nobodyMeddles) && doing[q] == IDLE && (live & one(q)))
#ifdef TWO_LOGS
#define mayStandStill	1
#else
#define mayStandStill	(log[0].lost)
#endif
#define oneServes	(phase[0] == ENDED || phase[COORDINATORS - 1] == ENDED)

/* Mixed outcomes are on record: nobody's effects differ from the decision unseen (H1, H4). */
#define differs		((decided & DECIDED_COMMIT) && some(SETTLED_A) || (decided & DECIDED_ABORT) && some(SETTLED_C))
#define onRecord	(log[0].mixedAt > 0 && log[0].mixedAt <= log[0].synced)

active proctype Rest() {
	timeout ->
	if
	:: mayStandStill			/* it was detected: an operator has the word (C12) */
	:: else ->
		assert(endedWell(0) && endedWell(1) && endedWell(N - 1));
		assert(oneServes);
		assert(told != 0 || log[0].dropAt > 0);	/* or it is older than the history */
		assert(!differs || onRecord)
	fi
}

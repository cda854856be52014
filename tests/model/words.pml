/* The words of the model: sizes, states, messages, and what every process can see.
 *
 * One transaction, c1.1.1, is begun by the first opening of coordinator 1, and has a branch at each of N participants.
 * Epochs and marks are told by one number: openings are numbered 1, 2, 3 as they happen in the world (the mark), and
 * epochOf says which epoch each of them took.  Two openings of one epoch are two logs under one number.
 */

#ifndef N
#define N 2			/* participants */
#endif
#ifndef OPENINGS
#define OPENINGS 2		/* how often a log may be opened, by whomever; each crash of a coordinator needs one */
#endif
#ifndef CRASHES
#define CRASHES 1		/* crashes of participants, all together */
#endif

#if defined(RIVAL) || defined(TWO_LOGS)
#define COORDINATORS 2		/* two processes under one number */
#else
#define COORDINATORS 1
#endif
#ifdef TWO_LOGS
#define LOGS 2
#define ofLog(c) (c)
#else
#define LOGS 1
#define ofLog(c) 0
#endif

#define mine(c)		log[ofLog(c)]
#define durable(c,lsn)	((lsn) > 0 && (lsn) <= mine(c).synced)
#define recorded(c)	(mine(c).commitAt > 0)

#define MINE	1		/* the opening that began the transaction */
#define ALL	((1 << N) - 1)	/* the set of all participants */
#define one(p)	(1 << (p))	/* sets of participants are bits */
#define at(m,p)	((m) * N + (p))	/* the place of (opening, participant) in what they say to each other */

/* What a coordinator's process remembers of the transaction.  NEW: not begun here; ENDED: not running any more, or never
 * was, as far as this opening can tell; STOPPED: another owns the number (C5), until an operator has looked. */
mtype:phase = { DOWN, OPENING, NEW, VOTING, DECIDING, COMMITTING, ENDING, ENDED, STOPPED }

/* What a participant's store says of its branch.  FORGOTTEN: its effects are there, its marker is dropped. */
mtype:branch = { NOTHING, PROMISED, COMMITTED, FORGOTTEN, SETTLED_COMMITTED, SETTLED_ABORTED, HAZARD }

/* What a participant's process is doing. */
mtype:doing = { IDLE, EXECUTING, WRITING_PROMISE, WRITING_COMMIT }

/* How far the search for orphans is (C9). */
mtype:round = { RESTING, LISTED, SAW_RUNNING, SAW_RECORDS, JUDGED }

/* From a coordinator's opening to a participant.  COMMIT and ABORT are also how a question is answered (C4). */
#define HELLO		1
#define PREPARE		2
#define COMMIT		4
#define ABORT		8
#define FINISHED	16
#define PASSED		32	/* the watermark for this participant is above the transaction */

/* Votes. A No that is not certain is like silence, and is not modelled apart from it. */
#define YES		1
#define READ_ONLY	2
#define CERTAIN_NO	4

/* A participant's other words, to one opening. */
#define DONE		1	/* committed, now or before */
#define NEVER		2	/* never prepared */
#define BEFORE		4	/* aborted before: settled so by an operator */
#define OTHERWISE	8	/* it was settled as committed, and the decision was abort (H4) */
#define FENCED		16	/* refused: a newer opening was seen (P6) */

/* A witness (C6) is an opening and an LSN in one byte; a shown one is never 0. */
#define witness(m,lsn)	((m) * 16 + (lsn))
#define wMark(w)	((w) / 16)
#define wLSN(w)		((w) % 16)

/* A log is told by where its records stand: LSN 0 is "not there". */
typedef Log {
	byte last;		/* the last appended LSN */
	byte synced;		/* the last LSN that outlives a power cut */
	byte openAt[OPENINGS + 1];
	byte commitAt;		/* the decision (C2) */
	byte members;		/* of the commit record */
	byte ackAt[N];		/* lazy: who has acknowledged */
	byte settledAt[N];	/* forced: settled by an operator, without the branch's own answer (H3) */
	byte mixedAt;		/* forced: a heuristic outcome was heard of (H1, H4) */
	byte endAt;		/* lazy */
	byte dropAt;		/* forced: dropped from the history; the floor is above it */
	bool lost		/* a witness was not contained (C6): durable */
}

/* What a store keeps: all of it is written, and synced, in one step. */
typedef Store {
	mtype:branch state = NOTHING;
	byte witness;
	byte seen		/* the newest opening that said hello (P6) */
}

/* The network.  A message that was sent stays to be delivered, at any time, any number of times, in any order, or never
 * while anything else can happen: loss, repetition, delay and reordering at once.  So there is no sending again. */
byte sent[(OPENINGS + 1) * N];		/* coordinator to participant */
byte carried[OPENINGS + 1];		/* the last synced LSN that an opening's COMMIT bears */
byte votes[N];
byte said[(OPENINGS + 1) * N];		/* participant to coordinator */
byte hello[(OPENINGS + 1) * N];		/* the answer to a HELLO: the witness */
byte asked;				/* the participants that have asked what became of it: a yes is a question too (C4) */

/* The world. */
byte openings;				/* how many there were */
byte epochOf[OPENINGS + 1];
byte crashes;				/* of participants */
Log  log[LOGS];
mtype:phase phase[COORDINATORS] = DOWN;
byte me[COORDINATORS];			/* the opening it is */
byte acked[COORDINATORS];		/* answered, for the waiting */
byte heard[COORDINATORS];
Store disk[N], cache[N];		/* what a power cut leaves; what a kill leaves */
mtype:doing doing[N] = IDLE;
byte live = ALL;			/* the participants that run */
byte restarted;				/* the participants whose incarnation is not that of the enlistment any more */
byte tombstone;				/* in memory: ended here, a Prepare is late (P4) */
byte passed;				/* in memory: below the watermark (P5) */
byte cancelled;				/* in memory: an Abort came while the promise was being written */

#ifdef ORPHANS
mtype:round stage[COORDINATORS] = RESTING;
byte listed[COORDINATORS];		/* P, then P and Q */
bool running[COORDINATORS];		/* A */
bool inLog[COORDINATORS];		/* T */
#endif

hidden byte i;				/* loop counters inside one step; a step may not end with a loop */
hidden byte j;

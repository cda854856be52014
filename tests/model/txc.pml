/* One transaction in two phases with presumed abort, as the rules say.  The switches are told in doc.go. */

#include "words.pml"
#include "log.pml"
#include "properties.pml"
#include "answers.pml"
#include "coordinator.pml"
#ifdef ORPHANS
#include "orphans.pml"
#endif
#include "participant.pml"

init {
	d_step {
		openings = MINE; epochOf[MINE] = 1;
		log[0].last = 1; log[0].synced = 1; log[0].openAt[MINE] = 1;
		me[0] = MINE; phase[0] = NEW;
		for (i : 0 .. N - 1) {
#ifdef UNSEEN
			sent[at(MINE, i)] = HELLO
#else
			cache[i].seen = MINE; disk[i].seen = MINE	/* the first HELLO was answered */
#endif
		}
		i = 0
	}
	atomic {
		for (i : 0 .. N - 1) { run Participant(i) }
		for (i : 0 .. COORDINATORS - 1) { run Coordinator(i) }
#ifdef ORPHANS
		for (i : 0 .. COORDINATORS - 1) { run Orphans(i) }
#endif
#ifdef TWO_LOGS
		run Copy()
#endif
	}
}

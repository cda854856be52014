package model_test

import "github.com/txc-dev/txc/tests/internal/suite"

// configuration is one set of switches, searched as a whole.
type configuration struct {
	name     string
	switches string
	from     suite.Size // the least size that includes it
}

var configurations = []configuration{
	{"commit and abort with kills and power cuts", "N=2 CRASHES=0", suite.Small},
	{"and of a participant", "N=2", suite.CI},
	{"forgetting", "N=2 FORGETTING CRASHES=0", suite.CI},
	{"orphans", "N=2 ORPHANS CRASHES=0", suite.CI},
	{"readers", "N=2 READERS CRASHES=0", suite.CI},
	{"a rival over a replicated log", "N=2 RIVAL CRASHES=0", suite.CI},
	{"a rival over a copy of the log", "N=2 TWO_LOGS CRASHES=0", suite.All},
	{"a log that loses its end", "N=2 LOSS CRASHES=0", suite.CI},
	{"operators", "N=2 OPERATOR CRASHES=0", suite.CI},
	{"a participant from a backup", "N=2 BACKUP", suite.CI},

	{"forgetting, and crashes of a participant", "N=2 FORGETTING", suite.All},
	{"operators and forgetting", "N=2 OPERATOR FORGETTING CRASHES=0", suite.All},
	{"a participant from a backup, and forgetting", "N=2 BACKUP FORGETTING", suite.All},
	{"three participants", "N=3 CRASHES=0", suite.All},
	{"three participants, and a crash of one", "N=3", suite.All},
	{"three openings", "N=2 OPENINGS=3", suite.All},
	{"three openings and forgetting", "N=2 OPENINGS=3 FORGETTING CRASHES=0", suite.All},
	{"three openings of rivals over a replicated log", "N=2 RIVAL OPENINGS=3 CRASHES=0", suite.All},
	{"a rival over a copy, whose hello may be the first", "N=2 TWO_LOGS UNSEEN CRASHES=0", suite.All},
	{"three openings of rivals over a copy", "N=2 TWO_LOGS OPENINGS=3 CRASHES=0", suite.All},
	{"a rival over a copy, and crashes", "N=2 TWO_LOGS", suite.All},
	{"three openings, orphans", "N=2 ORPHANS OPENINGS=3 CRASHES=0", suite.All},
	{"readers among three", "N=3 READERS CRASHES=0", suite.All},
	{"operators and crashes", "N=2 OPERATOR FORGETTING", suite.All},
	{"a log that loses its end among three", "N=3 LOSS CRASHES=0", suite.All},
}

// mutant is a mistake and the switches with which it does harm.
type mutant struct {
	name     string
	rule     string
	switches string
}

var mutants = []mutant{
	{"REPLY_BEFORE_LOGGED", "C1", "N=2 CRASHES=0"},
	{"COMMIT_BEFORE_LOGGED", "C1", "N=2 CRASHES=0"},
	{"DEADLINE_WHILE_DECIDING", "C2", "N=2 CRASHES=0"},
	{"FAILED_APPEND_ABORTS", "C3", "N=2 CRASHES=0"},
	{"ABORTED_WHILE_VOTING", "C4", "N=2 CRASHES=0"},
	{"FORGOTTEN_AT_FIRST_ACKNOWLEDGEMENT", "C4", "N=2 CRASHES=0"},
	{"UNKNOWN_VOTE_IS_YES", "P8", "N=2 CRASHES=0"},
	{"PRESUMED_UNHEARD", "C6", "N=2 LOSS CRASHES=0"},
	{"PRESUMED_AFTER_THE_ASKER_ALONE", "C6", "N=2 LOSS CRASHES=0"},
	{"WITNESS_OFF_BY_ONE", "C6", "N=2 LOSS CRASHES=0"},
	{"WITNESS_NOT_KEPT_WITH_COMMITS", "C6", "N=2 LOSS CRASHES=0"},
	{"REPLAY_NOT_SYNCED", "C7", "N=2 OPENINGS=3 CRASHES=0"},
	{"ORPHANS_OF_THE_RUNNING_FIRST", "C9", "N=2 ORPHANS CRASHES=0"},
	{"ORPHANS_AMONG_RECORDS_FIRST", "C9", "N=2 ORPHANS CRASHES=0"},
	{"ORPHANS_UNHEARD", "C9", "N=2 ORPHANS LOSS CRASHES=0"},
	{"VOTE_BEFORE_THE_PROMISE", "P1", "N=2"},
	{"STORE_REPLAY_NOT_SYNCED", "P10", "N=2 CRASHES=2"},
	{"UNDECIDED_ENDS_A_PROMISE", "P2", "N=2 CRASHES=0"},
	{"FINISHED_ENDS_A_PROMISE", "P2", "N=2 BACKUP FORGETTING"},
	{"EMPTY_ROLLBACK_FORGOTTEN", "P4", "N=2 CRASHES=0"},
	{"INCARNATION_IGNORED", "P4", "N=2"},
	{"PREPARED_BELOW_THE_WATERMARK", "P5", "N=2 FORGETTING CRASHES=0"},
	{"WATERMARK_PAST_AN_ACKNOWLEDGEMENT_IN_MEMORY", "P5", "N=2 FORGETTING CRASHES=0"},
	{"WATERMARK_PAST_A_LAZY_END", "P5", "N=2 FORGETTING CRASHES=0"},
	{"FENCE_PREPARE_ONLY", "P6", "N=2 TWO_LOGS CRASHES=0"},
	{"FENCE_NOT_DURABLE", "P6", "N=2 TWO_LOGS"},
	{"HELLO_BEFORE_OLDER_WRITES", "P6", "N=2 TWO_LOGS CRASHES=0"},
	{"NOT_FOUND_IS_SUCCESS", "P7", "N=2 OPERATOR CRASHES=0"},
	{"ACKNOWLEDGED_BEFORE_DURABLE", "P11", "N=2"},
	{"RESTORED_IS_ABORTED", "P12", "N=2 BACKUP FORGETTING"},
	{"SETTLED_ENDS_THE_RECORD", "H3", "N=2 OPERATOR FORGETTING CRASHES=0"},
	{"OTHERWISE_UNREPORTED", "H4", "N=2 OPERATOR CRASHES=0"},
}

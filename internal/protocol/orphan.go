package protocol

// Prepared is what a coordinator knows of a branch that a participant lists as prepared, when both lists and, between
// them, its own tables have been looked at (C9): first list P, then the running transactions A, then the records T, then
// second list Q. The zero value knows nothing: leave it alone.
type Prepared struct {
	Ours    bool // of this cluster, number, and a mark of this log
	InP     bool // in the first list
	Running bool // in A: looked up after P was complete
	Looked  bool // the log could be read
	Commit  bool // in T: looked up after A
	Over    bool // C4 says finished: it has acknowledged this id, or is too old to tell; its store has lost its memory of it
	InQ     bool // in the second list, asked for after T
	Heard   bool // of this opening, or its members are heard (C6), and nothing forbids to presume
}

// OrphanAction is what to do about a listed branch.
type OrphanAction uint8

// The actions. The zero value is the safe one: look again in the next round.
const (
	NextRound OrphanAction = iota
	CommitOrphan
	AbortOrphan
)

// JudgeOrphan decides about a listed branch (C9). A transaction that was not running yet when A was looked at cannot
// have had a branch in P; one that ended since then is in T, or its branch is no longer in Q.
func JudgeOrphan(p Prepared) OrphanAction {
	switch {
	case !p.Ours || !p.InP || !p.InQ || p.Running || !p.Looked || p.Over:
		return NextRound
	case p.Commit:
		return CommitOrphan
	case p.Heard:
		return AbortOrphan
	default:
		return NextRound
	}
}

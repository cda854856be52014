package coordinator

import "time"

// moment is one line of a timeline, compact: most transactions have a dozen, and nobody ever looks at them.
type moment struct {
	after  time.Duration // since it began
	lsn    uint64
	text   string
	what   what
	branch int8 // -1: none
}

// what happened.
type what uint8

const (
	begun what = iota
	enlisted
	prepareSent
	voteNo
	voteYes
	voteHeld
	voteReadOnly
	committed
	clientTold
	commitSent
	abortSent
	committedNow
	committedBefore
	heuristic
	settled
	acknowledged
	recovered
)

var whats = [...]string{
	begun: "begun", enlisted: "enlisted", prepareSent: "prepare sent", voteNo: "vote no", voteYes: "vote yes",
	voteHeld: "vote held", voteReadOnly: "vote read-only", committed: "committed", clientTold: "client told",
	commitSent: "commit sent", abortSent: "abort sent", committedNow: "committed now", committedBefore: "committed before",
	heuristic: "heuristic", settled: "settled by an operator", acknowledged: "acknowledged by an operator", recovered: "recovered",
}

// note adds a line to the timeline. A branch that answers nothing is told again and again: a timeline has a bound.
func (l *live) note(c *Core, w what, branch int, lsn uint64, text string) {
	if len(l.moments) < usualMoments+branchMoments*len(l.branches) {
		l.moments = append(l.moments, moment{c.w.Now.Sub(l.began), lsn, text, w, int8(branch)})
	}
}

// How long a timeline may be.
const (
	usualMoments  = 16
	branchMoments = 8
)

// timeline is what people see of it.
func (l *live) timeline() []Moment {
	all := make([]Moment, len(l.moments))
	for i, m := range l.moments {
		all[i] = Moment{When: l.began.Add(m.after), What: whats[m.what], Text: m.text, LSN: m.lsn, Durable: m.lsn != 0}
		if m.branch >= 0 {
			all[i].Participant = l.branches[m.branch].peer.name
		}
	}
	return all
}

package coordinator

import (
	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// blocks tells what a transaction keeps from others, as far as its coordinator knows: the locks of branches that may hold
// some. Who waits for them is known to the participants alone.
func (l *live) blocks() []string {
	if l.tx.Phase < protocol.Voting || l.tx.Phase == protocol.Ended {
		return nil
	}
	var all []string
	for i := range l.branches {
		answered := l.tx.Decided == txc.Committed && !l.tx.Missing().Has(i)
		if b := &l.branches[i]; !answered && b.vote != txc.No && b.vote != txc.ReadOnly {
			all = append(all, "its locks at "+b.peer.name)
		}
	}
	return all
}

package protocol

import (
	"fmt"
	"strings"

	"github.com/txc-dev/txc"
)

// String tells the phase and everything that is not zero, for transcripts and traces.
func (b Branch) String() string {
	s := b.Phase.String()
	if b.How != txc.Undecided {
		s += " " + b.How.String()
	}
	if b.Vote != 0 {
		s += " " + b.Vote.String()
	}
	if b.Calls > 0 || b.Running > 0 {
		s += fmt.Sprintf(" calls=%d+%d", b.Calls, b.Running)
	}
	for _, f := range []struct {
		set  bool
		name string
	}{
		{b.MayRelease, "may-release"}, {b.Executing, "executing"}, {b.OweVote, "owes-vote"}, {b.OweAbort, "owes-abort"},
		{b.Late, "late"}, {b.Unknown, "unknown"}, {b.Denied, "denied"}, {b.Writing, "writing"}, {b.Proof, "proof"}, {b.Lost, "lost"},
	} {
		if f.set {
			s += " " + f.name
		}
	}
	return s
}

// Transcript writes an event, an action or a message's body as it stands in transcripts: its name, and its fields.
func Transcript(v any) string {
	s := fmt.Sprintf("%T%+v", v, v)
	s = s[strings.IndexByte(s, '.')+1:]
	return strings.TrimSuffix(s, "{}")
}

package participant_test

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

// How effects stand in transcripts.

func about(c participant.Call) string {
	switch c.Deed {
	case participant.DeedForget:
		return fmt.Sprintf(" below %s but %v", c.Below, c.But)
	case participant.DeedRemember:
		return fmt.Sprintf(" %+v", c.Seen)
	case participant.DeedList:
		return fmt.Sprintf(" from %s", c.Below)
	case participant.DeedCancel:
		return fmt.Sprintf(" %d", c.Of)
	default:
		return " " + c.Branch.ID.String()
	}
}

func say(b protocol.Body) string {
	switch b := b.(type) {
	case protocol.Vote:
		s := "vote " + b.Vote.String()
		if b.Certain {
			s += ", certain"
		}
		if !b.Reason.IsZero() {
			s += "; " + b.Reason.String()
		}
		return s + fmt.Sprintf(" %s%s", b.Evidence, b.Results)
	case protocol.Fated:
		return "fate " + strings.TrimSpace(b.Fate.String()+" "+b.Reason.String())
	case protocol.Welcome:
		return fmt.Sprintf("welcome incarnation=%d stamp=%d seen=%+v", b.Incarnation, b.Stamp, b.Seen)
	case protocol.Inquiry:
		return "inquiry settled=" + b.Settled.String()
	case protocol.Listed:
		s := "listed"
		for _, d := range b.InDoubt {
			s += fmt.Sprintf(" %s(%s)", d.ID, d.Settled)
		}
		for _, m := range b.Committed {
			s += " marker:" + m.ID.String()
		}
		return s + " next=" + strconv.Quote(b.Next)
	default:
		return protocol.Transcript(b)
	}
}

func sayAnswer(a participant.Answer) string {
	switch {
	case a.Err != nil:
		return "refused: " + a.Err.Error()
	case a.Fate != 0:
		return "settled: " + a.Fate.String()
	case !a.Branch.ID.IsZero():
		return "run"
	case a.Enlistment != participant.Enlistment{}:
		return fmt.Sprintf("enlistment %+v doomed=%v", a.Enlistment, a.Doomed)
	default:
		return fmt.Sprintf("in doubt=%d oldest=%s", a.InDoubt, a.Oldest)
	}
}

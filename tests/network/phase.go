package network

import (
	"strings"

	"github.com/txc-dev/txc/tests/internal/campaign"
)

// phase is where a transaction is when the network breaks: the process at whose step it is stops, or dies, there.
type phase struct {
	name        string
	participant bool   // whose step it is: the victim's; else the coordinator's
	fault       string // POINT=stop, goes on in the trouble; POINT=kill, starts again in it
	refused     bool   // one participant votes No
	want        campaign.Heard
	proves      string
}

// anyEnd says that either end is right, as long as it is the same everywhere.
const anyEnd = campaign.Heard(255)

var phases = []phase{
	{"before prepare", false, "coordinator/send-prepare=stop", false, anyEnd,
		"C10: whoever is not reached before the deadline counts as a No"},
	{"while voting", true, "participant/send-vote=stop", false, anyEnd,
		"P2: a promise whose vote may be lost is kept until the decision is heard"},
	{"decided, unheard", false, "coordinator/send-commit=stop", false, campaign.Committed,
		"C1, C2: a durable decision reaches everyone, whatever happens to the messages"},
	{"committing", true, "participant/send-fate=stop", false, campaign.Committed,
		"P7: an acknowledgement that was lost is given again, and nothing is applied twice"},
	{"abort under way", false, "coordinator/send-abort=stop", true, campaign.Aborted,
		"P2: whoever misses an abort, which is sent once, asks for it"},
	{"coordinator recovers a decision", false, "coordinator/send-commit=kill", false, campaign.Committed,
		"C1: what is in the log is carried out after a restart among participants that are away"},
	{"coordinator recovers without one", false, "coordinator/append-commit=kill", false, anyEnd,
		"C6, C9: promises without a decision end when everybody is heard again"},
	{"participant recovers", true, "participant/send-vote=kill", false, anyEnd,
		"P1, P2: a promise survives the restart, and the silence after it"},
}

func (p phase) kills() bool { return strings.HasSuffix(p.fault, "=kill") }

package frame

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc/internal/protocol"
)

func appendPrepare(b []byte, p *protocol.Prepare) []byte {
	b, at := open(b, sayPrepare)
	b = appendUint(b, 4, milliseconds(p.TimeLeft))
	b = appendUint(b, 5, p.Age)
	for _, m := range p.Members {
		b = appendPresent(b, 6, []byte(m))
	}
	b = appendBool(b, 7, p.MayRelease)
	b = appendUint(b, 8, uint64(p.Calls))
	if !p.Joined {
		b = appendPresent(b, 9, p.Work)
	}
	b = appendFixed(b, 10, p.Incarnation)
	return shut(b, at)
}

func appendEnd(b []byte, num protowire.Number, evidence []byte, relaxed bool) []byte {
	b, at := open(b, num)
	return shut(appendBool(appendBytes(b, 4, evidence), 6, relaxed), at)
}

func appendVote(b []byte, o Opening, v *protocol.Vote) []byte {
	b, at := open(b, sayVote)
	b = appendUint(b, 1, uint64(v.Vote))
	b = appendReason(b, 2, v.Reason)
	b = appendBytes(b, 3, v.Evidence)
	b = appendBytes(b, 4, v.Results)
	b = appendSeen(b, 5, v.Seen, o)
	b = appendBool(b, 6, v.Certain)
	return shut(appendUint(b, 257, v.Stamp), at)
}

func appendFate(b []byte, o Opening, v *protocol.Fated) []byte {
	b, at := open(b, sayFate)
	b = appendUint(b, 1, uint64(v.Fate))
	b = appendReason(b, 2, v.Reason)
	b = appendSeen(b, 3, v.Seen, o)
	return shut(appendUint(b, 4, v.Stamp), at)
}

func appendInquiry(b []byte, o Opening, mine [16]byte, q *protocol.Inquiry) []byte {
	b, at := open(b, sayInquiry)
	if q.Instance != mine {
		b = appendBytes(b, 2, q.Instance[:])
	}
	for _, m := range q.Members {
		b = appendString(b, 4, m)
	}
	b = appendSeen(b, 5, q.Seen, o)
	b = appendUint(b, 7, uint64(q.Settled))
	return shut(appendReason(b, 8, q.Why), at)
}

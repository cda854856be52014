package frame

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

func appendListed(b []byte, l *protocol.Listed) []byte {
	b, at := open(b, sayListed)
	for i := range l.InDoubt {
		b = appendInDoubt(b, &l.InDoubt[i])
	}
	for _, p := range l.Committed {
		b = appendString(b, 3, FormatProof(p))
	}
	for _, s := range l.Seen {
		b = appendSeen(b, 4, s, Opening{})
	}
	return shut(appendString(b, 5, cut(l.Next, MaxPage)), at)
}

func appendInDoubt(b []byte, d *protocol.InDoubt) []byte {
	b, at := open(b, 2)
	b = appendID(b, 1, d.ID)
	b = appendBytes(b, 2, d.Evidence)
	if !d.Since.IsZero() {
		b = appendUint(b, 3, uint64(d.Since.UnixMilli()))
	}
	for _, m := range d.Members {
		b = appendString(b, 4, m)
	}
	b = appendUint(b, 5, d.Age)
	b = appendFixed(b, 6, d.Mark)
	b = appendUint(b, 7, uint64(d.Settled))
	return shut(appendReason(b, 8, d.Why), at)
}

// FormatProof writes a marker as one text: <id>.<mark>.
func FormatProof(p protocol.Proof) string { return p.ID.String() + "." + txc.FormatMark(p.Mark) }

// ParseProof reads <id>.<mark>.
func ParseProof(s string) (p protocol.Proof, err error) {
	dot := strings.LastIndexByte(s, '.')
	if dot < 0 {
		return p, fmt.Errorf("%w: %q is not a marker", txc.ErrInvalid, s)
	}
	if p.ID, err = txc.ParseID(s[:dot]); err != nil {
		return p, err
	}
	p.Mark, err = txc.ParseMark(s[dot+1:])
	return p, err
}

func (r *MessageReader) listed(f *fields) (l protocol.Listed) {
	for f.next() {
		switch f.num {
		case 1, 6, 7, 8, 9, 10:
			f.said(f.num)
		case 2:
			l.InDoubt = append(l.InDoubt, r.inDoubt(f))
			f.atMost(len(l.InDoubt), MaxPageIDs)
		case 3:
			p, err := ParseProof(f.text(MaxPage))
			if err != nil {
				f.fail("%w", err)
			}
			l.Committed = append(l.Committed, p)
			f.atMost(len(l.Committed), MaxPageIDs)
		case 4:
			l.Seen = append(l.Seen, f.witness())
			f.atMost(len(l.Seen), MaxSeen)
		case 5:
			l.Next = f.text(MaxPage)
		}
	}
	return l
}

func (r *MessageReader) inDoubt(f *fields) (d protocol.InDoubt) {
	in := f.element()
	members := r.scratch[:0]
	for in.next() {
		switch in.num {
		case 1:
			d.ID = in.id()
		case 2:
			d.Evidence = slices.Clone(in.bytes(txc.MaxEvidence))
		case 3:
			if ms := int64(in.uint64()); ms != 0 {
				d.Since = time.UnixMilli(ms).UTC()
			}
		case 4:
			members = r.shared.member(&in, members)
		case 5:
			d.Age = in.uint64()
		case 6:
			d.Mark = in.fixed64()
		case 7:
			d.Settled = txc.Fate(in.enum(uint8(txc.Hazard)))
		case 8:
			d.Why = r.shared.reason(&in)
		}
	}
	if in.err == nil && d.ID.IsZero() {
		in.fail("a branch in doubt without its id")
	}
	d.Members, r.scratch = r.shared.list(members), members
	f.leave(&in)
	return d
}

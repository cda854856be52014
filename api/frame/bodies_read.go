package frame

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

func (r *MessageReader) toParticipant(f *fields, say protowire.Number) protocol.Body {
	switch say {
	case sayPrepare:
		return r.prepare(f)
	case sayCommit:
		evidence, relaxed := f.end()
		return protocol.Commit{Evidence: evidence, Relaxed: relaxed}
	case sayAbort:
		evidence, _ := f.end()
		return protocol.Abort{Evidence: evidence}
	case sayAnswer:
		return f.answer()
	case sayList:
		var l protocol.List
		for f.next() {
			if f.num == 2 {
				l.Page = f.text(MaxPage)
			} else {
				f.said(1, 3)
			}
		}
		return l
	default:
		f.fail("entry %d is not for a participant", say)
		return nil
	}
}

func (r *MessageReader) toCoordinator(f *fields, say protowire.Number) protocol.Body {
	switch say {
	case sayVote:
		return r.vote(f)
	case sayFate:
		return r.fate(f)
	case sayInquiry:
		return r.inquiry(f)
	case sayListed:
		return r.listed(f)
	case sayFenced:
		var v protocol.Fenced
		for f.next() {
			switch f.num {
			case 1:
				f.single()
				v.Seen = f.seen(r.opening)
			case 2:
				v.About = protocol.About(f.enum(uint8(protocol.AboutList)))
			}
		}
		return v
	default:
		f.fail("entry %d is not for a coordinator", say)
		return nil
	}
}

func (r *MessageReader) prepare(f *fields) protocol.Prepare {
	p := protocol.Prepare{Joined: true}
	members := r.scratch[:0]
	for f.next() {
		switch f.num {
		case 1, 2, 3:
			f.said(f.num)
		case 4:
			p.TimeLeft = time.Duration(f.uint32()) * time.Millisecond
		case 5:
			p.Age = f.uint64()
		case 6:
			members = r.shared.member(f, members)
		case 7:
			p.MayRelease = f.bool()
		case 8:
			p.Calls = f.uint32()
		case 9:
			p.Work, p.Joined = f.bytes(txc.MaxWork), false
		case 10:
			p.Incarnation = f.fixed64()
		}
	}
	p.Members, r.scratch = r.shared.list(members), members
	return p
}

// end reads how a branch ends. Abort has no use for relaxed.
func (f *fields) end() (evidence []byte, relaxed bool) {
	for f.next() {
		switch f.num {
		case 1, 2, 3, 5:
			f.said(f.num)
		case 4:
			evidence = slices.Clone(f.bytes(txc.MaxEvidence))
		case 6:
			relaxed = f.bool()
		}
	}
	return evidence, relaxed
}

func (f *fields) answer() (a protocol.Answer) {
	for f.next() {
		switch f.num {
		case 1:
			a.Outcome = txc.Outcome(f.enum(uint8(txc.NotMine)))
		case 2:
			f.said(2)
		case 3:
			a.Recorded = f.bool()
		case 4:
			a.Acknowledged = f.bool()
		}
	}
	return a
}

// vote reads a vote. One whose evidence or results are too long to be kept counts as a No, and is not certain (C3).
func (r *MessageReader) vote(f *fields) (v protocol.Vote) {
	for f.next() {
		switch f.num {
		case 1:
			v.Vote = txc.Vote(f.enum(uint8(txc.ReadOnly)))
		case 2:
			v.Reason = r.shared.reason(f)
		case 3:
			v.Evidence = f.bytes(MaxEntry)
		case 4:
			v.Results = f.bytes(MaxEntry)
		case 5:
			f.single()
			v.Seen = f.seen(r.opening)
		case 6:
			v.Certain = f.bool()
		case 257:
			v.Stamp = f.uint64()
		}
	}
	if len(v.Evidence) > txc.MaxEvidence || len(v.Results) > txc.MaxBranchRes {
		return protocol.Vote{Vote: txc.No, Seen: v.Seen, Stamp: v.Stamp, Reason: txc.Reason{
			Code: txc.CodeTooLarge, Participant: r.name, Text: fmt.Sprintf("evidence of %d bytes (at most %d), results of %d bytes (at most %d)",
				len(v.Evidence), txc.MaxEvidence, len(v.Results), txc.MaxBranchRes),
		}}
	}
	v.Evidence = slices.Clone(v.Evidence)
	return v
}

func (r *MessageReader) fate(f *fields) (v protocol.Fated) {
	for f.next() {
		switch f.num {
		case 1:
			v.Fate = txc.Fate(f.enum(uint8(txc.Hazard)))
		case 2:
			v.Reason = r.shared.reason(f)
		case 3:
			f.single()
			v.Seen = f.seen(r.opening)
		case 4:
			v.Stamp = f.uint64()
		}
	}
	return v
}

func (r *MessageReader) inquiry(f *fields) protocol.Inquiry {
	q := protocol.Inquiry{Instance: r.instance}
	members := r.scratch[:0]
	for f.next() {
		switch f.num {
		case 1, 3, 6, 9:
			f.said(f.num)
		case 2:
			q.Instance = f.instance()
		case 4:
			members = r.shared.member(f, members)
		case 5:
			f.single()
			q.Seen = f.seen(r.opening)
		case 7:
			q.Settled = txc.Fate(f.enum(uint8(txc.Hazard)))
		case 8:
			q.Why = r.shared.reason(f)
		}
	}
	q.Members, r.scratch = r.shared.list(members), members
	return q
}

// milliseconds rounds down: whoever hears of less time gives up early, which is safe.
func milliseconds(d time.Duration) uint64 {
	return uint64(min(max(d.Milliseconds(), 0), 1<<32-1))
}

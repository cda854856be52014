package frame_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/internal/protocol"
)

func randomFrames(seed uint64) [][]byte {
	g := generator{rand.New(rand.NewPCG(seed, 1))}
	coordinator, participant, _, _ := hellos()
	switch seed % 4 {
	case 0:
		return must(frames(g.toParticipant(), coordinator.Append))
	case 1:
		return must(frames(g.toCoordinator(), participant.Append))
	case 2:
		return must(frames(g.requests(), frame.NewRequestWriter(serverHello()).Append))
	default:
		return must(frames(g.replies(), frame.NewReplyWriter(opening, frame.NewHello("test")).Append))
	}
}

// randomText is what the batch of this seed looks like before it is written.
func randomText(seed uint64) string {
	g := generator{rand.New(rand.NewPCG(seed, 1))}
	switch seed % 4 {
	case 0:
		return show(g.toParticipant())
	case 1:
		return show(g.toCoordinator())
	case 2:
		return show(g.requests())
	default:
		return show(g.replies())
	}
}

type generator struct{ *rand.Rand }

func (g generator) some(n int) int { return g.IntN(n + 1) }
func (g generator) yes() bool      { return g.IntN(2) == 0 }
func (g generator) bytes(n int) []byte {
	b := make([]byte, g.some(n))
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return b
}
func (g generator) name() string { return fmt.Sprintf("p%d", g.some(9)) }
func (g generator) names() (out []string) {
	for i := range g.some(4) {
		out = append(out, fmt.Sprintf("bank-%d.%d", i, g.some(3)))
	}
	return out
}
func (g generator) text() string { return strings.Repeat("ä", g.some(200)) }
func (g generator) u() uint64    { return g.Uint64() >> g.IntN(64) }

func (g generator) reason() txc.Reason {
	if g.yes() {
		return txc.Reason{}
	}
	code := []txc.Code{txc.CodeConflict, txc.CodeStore, txc.CodeFenced}[g.IntN(3)]
	return txc.Reason{Code: code, Text: g.text(), Participant: g.name(), Retryable: g.yes()}
}

func (g generator) seen() protocol.Seen {
	switch g.IntN(4) {
	case 0:
		return protocol.Seen{}
	case 1:
		return protocol.Seen{Coordinator: 1, Epoch: 7, Mark: 0xfeed, LSN: g.u()}
	case 2:
		return protocol.Seen{Coordinator: 1, Epoch: 1 + uint32(g.some(9)), Mark: g.Uint64(), LSN: g.u()}
	default:
		return protocol.Seen{Coordinator: 1 + uint32(g.some(3)), Epoch: 1 + uint32(g.some(9)), Mark: 0xfeed, LSN: g.u()}
	}
}

func (g generator) witnesses() (out []protocol.Seen) {
	for range g.some(3) {
		out = append(out, protocol.Seen{Coordinator: 1 + uint32(g.some(3)), Epoch: 1 + uint32(g.some(9)), Mark: g.Uint64(), LSN: g.u()})
	}
	return out
}

func (g generator) id() (txc.ID, uint64) {
	if g.yes() {
		return seq(1 + g.u()>>1), 0xfeed
	}
	return txc.ID{Coordinator: 1, Epoch: 1 + uint32(g.some(9)), Sequence: 1 + g.u()>>1}, g.Uint64()
}

func (g generator) sender(before *protocol.Sender) *protocol.Sender {
	if g.yes() {
		return before
	}
	next := *before
	next.LSN += g.u() >> 8
	if g.yes() {
		next.Open = nil
		for s := uint64(1); g.yes(); s += 1 + g.u()>>8 {
			next.Open = append(next.Open, seq(s))
		}
		next.Watermark = seq(200 + g.u()>>1)
	}
	return &next
}

func (g generator) toParticipant() (out []protocol.Message) {
	s := from
	for range g.some(20) {
		s = g.sender(s)
		m := protocol.Message{From: s}
		m.ID, m.Mark = g.id()
		switch g.IntN(5) {
		case 0:
			p := protocol.Prepare{Incarnation: g.u(), Age: g.u(), TimeLeft: time.Duration(g.some(1<<30)) * time.Millisecond,
				Members: g.names(), MayRelease: g.yes(), Joined: g.yes(), Calls: uint32(g.u())}
			if !p.Joined {
				p.Work = g.bytes(300)
			}
			m.Body = p
		case 1:
			m.Body = protocol.Commit{Evidence: g.bytes(txc.MaxEvidence), Relaxed: g.yes()}
		case 2:
			m.Body = protocol.Abort{Evidence: g.bytes(txc.MaxEvidence)}
		case 3:
			m.Body = protocol.Answer{Outcome: txc.Outcome(g.some(5)), Recorded: g.yes(), Acknowledged: g.yes()}
		case 4:
			m.ID, m.Mark = txc.ID{}, 0
			m.Body = protocol.List{Page: g.name()}
		}
		out = append(out, m)
	}
	return out
}

func (g generator) toCoordinator() (out []protocol.Message) {
	for range g.some(20) {
		m := protocol.Message{}
		m.ID, m.Mark = g.id()
		switch g.IntN(5) {
		case 0:
			m.Body = protocol.Vote{Vote: txc.Vote(g.some(4)), Reason: g.reason(), Certain: g.yes(), Evidence: g.bytes(txc.MaxEvidence),
				Results: g.bytes(2000), Seen: g.seen(), Stamp: g.u()}
		case 1:
			m.Body = protocol.Fated{Fate: txc.Fate(g.some(6)), Reason: g.reason(), Seen: g.seen(), Stamp: g.u()}
		case 2:
			m.Body = protocol.Fenced{Seen: g.seen(), About: protocol.About(g.some(6))}
		case 3:
			q := protocol.Inquiry{Instance: instance, Members: g.names(), Seen: g.seen(), Settled: txc.Fate(g.some(6)), Why: g.reason()}
			if g.yes() {
				q.Instance = [16]byte{9}
			}
			m.Body = q
		case 4:
			m.ID, m.Mark = txc.ID{}, 0
			m.Body = g.listed()
		}
		out = append(out, m)
	}
	return out
}

func (g generator) listed() protocol.Listed {
	l := protocol.Listed{Seen: g.witnesses(), Next: g.name()}
	for range g.some(5) {
		d := protocol.InDoubt{Evidence: g.bytes(txc.MaxEvidence), Members: g.names(), Age: g.u(), Settled: txc.Fate(g.some(6)), Why: g.reason()}
		d.ID, d.Mark = g.id()
		if g.yes() {
			d.Since = time.UnixMilli(1 + int64(g.u()>>30)).UTC()
		}
		l.InDoubt = append(l.InDoubt, d)
	}
	for range g.some(5) {
		id, mark := g.id()
		l.Committed = append(l.Committed, protocol.Proof{ID: id, Mark: mark})
	}
	return l
}

func (g generator) begin() frame.Begin {
	b := frame.Begin{Key: g.text(), OwnKey: g.yes(), Timeout: time.Duration(g.some(1<<30)) * time.Millisecond, Age: g.u(),
		FirstSentAgo: time.Duration(g.some(1<<30)) * time.Millisecond}
	if g.yes() {
		b.Labels = map[string]string{"kind": g.name(), "x": ""}
	}
	return b
}

func (g generator) branches() (out []frame.Branch) {
	for _, name := range g.names() {
		if g.yes() {
			out = append(out, frame.Branch{Participant: name, Work: g.bytes(300)})
		} else {
			out = append(out, frame.Branch{Participant: name, Joined: true, Calls: g.Uint32(), Incarnation: g.u()})
		}
	}
	return out
}

func (g generator) requests() (out []frame.Request) {
	for range g.some(20) {
		r := frame.Request{N: g.u()}
		tx, mark := g.id()
		switch g.IntN(6) {
		case 0:
			r.Body = frame.Run{Begin: g.begin(), Branches: g.branches(), Decided: g.yes()}
		case 1:
			r.Body = g.begin()
		case 2:
			r.Body = frame.Enlist{ID: tx, Mark: mark, Branch: frame.Branch{Participant: g.name(), Work: g.bytes(9)}}
		case 3:
			r.Body = frame.End{ID: tx, Mark: mark, Joined: g.branches(), Decided: g.yes()}
		case 4:
			r.Body = frame.End{ID: tx, Mark: mark, Abort: true, Why: g.text()}
		case 5:
			r.Body = frame.Outcome{ID: tx, Mark: mark, Key: g.text()}
		}
		out = append(out, r)
	}
	return out
}

func (g generator) replies() (out []frame.Reply) {
	for range g.some(20) {
		r := frame.Reply{N: g.u()}
		t := frame.Tx{Key: strings.Repeat("k", g.some(txc.MaxKey)), Outcome: txc.Outcome(g.some(5)), Applied: g.yes(), Replayed: g.yes(),
			Presumed: g.yes(), Older: g.yes(), Heuristic: frame.Heuristic(g.some(2)), Reason: g.reason(), Age: g.u()}
		t.ID, t.Mark = g.id()
		if g.IntN(5) == 0 {
			t.ID.Coordinator = 3
		}
		for _, name := range g.names() {
			t.Branches = append(t.Branches, frame.BranchTx{Participant: name, Vote: txc.Vote(g.some(4)), State: "in-doubt", Reason: g.reason(), Results: g.bytes(99)})
		}
		switch g.IntN(3) {
		case 0:
			r.Body = frame.Begun(t)
		case 1:
			r.Body = frame.Done(t)
		case 2:
			r.Body = frame.Refused{Status: uint32(g.some(16)), Reason: g.reason()}
		}
		out = append(out, r)
	}
	return out
}

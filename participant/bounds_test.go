package participant_test

import (
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

// driver runs a core, and completes what it asks of the store as a good store would.
type driver struct {
	core  *participant.Core
	from  *protocol.Sender
	now   time.Duration
	out   participant.Effects
	sends []protocol.Body
	asks  []participant.Inquire
}

func newDriver(promised ...participant.InDoubt) *driver {
	return &driver{
		core: participant.NewCore(participant.Config{Cluster: "txc", Name: "bank-a", Incarnation: 9, InquireEvery: time.Second}, participant.Memory{}, promised),
		from: &protocol.Sender{Cluster: "txc", Coordinator: 1, Epoch: 7, Mark: 70},
	}
}

// step runs the core until it asks nothing more of the store.
func (d *driver) step(events ...participant.Event) {
	for {
		d.core.Step(d.now, events, &d.out)
		for _, s := range d.out.Sends {
			d.sends = append(d.sends, s.Message.Body)
		}
		d.asks = append(d.asks, d.out.Asks...)
		if len(d.out.Calls) == 0 {
			return
		}
		events = nil
		for _, c := range d.out.Calls {
			events = append(events, participant.Done{N: c.N, Fate: map[participant.Deed]txc.Fate{
				participant.DeedCommit: txc.CommittedNow, participant.DeedAbort: txc.AbortedNow,
			}[c.Deed], Promise: participant.Promise{Vote: txc.Yes}})
		}
	}
}

func (d *driver) messages(n int, body func(i int) protocol.Body) participant.Event {
	var all []participant.Message
	for i := range n {
		all = append(all, participant.Message{From: d.from, ID: txc.ID{Coordinator: 1, Epoch: 7, Sequence: uint64(i + 1)}, Mark: 70, Body: body(i)})
	}
	return participant.Received{Session: 1, Messages: all}
}

func prepares(int) protocol.Body { return protocol.Prepare{Incarnation: 9, TimeLeft: time.Second} }
func aborts(int) protocol.Body   { return protocol.Abort{} }

func (d *driver) hello() {
	d.step(participant.SessionOpened{Session: 1}, participant.Received{Session: 1, Messages: []participant.Message{{From: d.from, Body: protocol.Hello{}}}})
	d.sends = nil
}

// votes counts the votes of a kind that were sent.
func (d *driver) votes(vote txc.Vote, code txc.Code) (n int) {
	for _, s := range d.sends {
		if v, ok := s.(protocol.Vote); ok && v.Vote == vote && v.Reason.Code == code {
			n++
		}
	}
	return n
}

func TestBranchesAreBounded(t *testing.T) { // C10
	d := newDriver()
	d.hello()
	d.step(d.messages(participant.MaxLive+10, prepares))
	if yes, busy := d.votes(txc.Yes, ""), d.votes(txc.No, txc.CodeBusy); yes != participant.MaxLive || busy != 10 {
		t.Errorf("%d yes, %d busy", yes, busy)
	}
}

func TestTombsAreBounded(t *testing.T) { // C10, P5
	d := newDriver()
	d.hello()
	d.step(d.messages(participant.MaxTombs, aborts))
	d.sends = nil
	more := txc.ID{Coordinator: 1, Epoch: 7, Sequence: participant.MaxTombs + 1}
	ask := participant.Received{Session: 1, Messages: []participant.Message{{From: d.from, ID: more, Mark: 70, Body: prepares(0)}}}
	d.step(ask)
	if d.votes(txc.No, txc.CodeBusy) != 1 {
		t.Errorf("%v", d.sends)
	}
	moved := *d.from
	moved.Watermark = more
	ask.Messages[0].From = &moved
	d.sends = nil
	d.step(ask)
	if d.votes(txc.Yes, "") != 1 {
		t.Errorf("the watermark has passed, and still: %v", d.sends)
	}
}

func TestMessagesBeforeTheHelloAreBounded(t *testing.T) {
	d := newDriver()
	d.core.Step(0, []participant.Event{participant.SessionOpened{Session: 1}, d.messages(20000, prepares)}, &d.out)
	calls := d.out.Calls
	d.step(participant.Done{N: calls[0].N})
	if yes := d.votes(txc.Yes, ""); len(calls) != 1 || yes != 16384 {
		t.Errorf("%d calls, then %d votes", len(calls), yes)
	}
}

func TestUnaryQuestionsAreBounded(t *testing.T) {
	var promised []participant.InDoubt
	for n := range uint64(100) {
		promised = append(promised, participant.InDoubt{ID: txc.ID{Coordinator: 1, Epoch: 7, Sequence: n + 1}, Mark: 70})
	}
	d := newDriver(promised...)
	d.now = 10 * time.Second
	d.step()
	if len(d.asks) != 32 {
		t.Errorf("%d questions at once", len(d.asks))
	}
	for _, q := range d.asks {
		d.step(participant.Told{ID: q.Question.ID, Mark: 70, Err: txc.ErrUnavailable})
	}
	d.asks, d.now = nil, 20*time.Second
	d.step()
	if len(d.asks) != 32 {
		t.Errorf("%d questions after those were answered", len(d.asks))
	}
}

// P9: a long list comes in pages that hold each branch and each marker once.
func TestListsComeInPages(t *testing.T) {
	d := newDriver()
	d.hello()
	list := func(page string) participant.Event {
		return participant.Received{Session: 1, Messages: []participant.Message{{From: d.from, Body: protocol.List{Page: page}}}}
	}
	d.core.Step(0, []participant.Event{list("")}, &d.out)
	done := participant.Done{N: d.out.Calls[0].N}
	members := make([]string, txc.MaxBranches)
	for i := range members {
		members[i] = strings.Repeat("m", txc.MaxParticipant)
	}
	for n := range uint64(1200) {
		d := participant.InDoubt{ID: txc.ID{Coordinator: 1, Epoch: 7, Sequence: n + 1}, Mark: 70}
		if n < 100 {
			d.Members = members
		}
		done.InDoubt = append(done.InDoubt, d)
	}
	for n := range uint64(12000) {
		done.Committed = append(done.Committed, participant.Proof{ID: txc.ID{Coordinator: 1, Epoch: 6, Sequence: n + 1}, Mark: 60})
	}
	d.step(done)
	branches, markers := map[txc.ID]bool{}, map[txc.ID]bool{}
	pages := 0
	for next := "first"; next != ""; {
		page := d.sends[len(d.sends)-1].(protocol.Listed)
		pages++
		if len(page.InDoubt) > 500 || len(page.Committed) > 5000 {
			t.Errorf("a page of %d branches and %d markers", len(page.InDoubt), len(page.Committed))
		}
		size := 40 * len(page.Committed)
		for _, b := range page.InDoubt {
			size += 40 + len(strings.Join(b.Members, "  "))
		}
		if size > 250<<10 {
			t.Errorf("a page of about %d bytes", size)
		}
		for _, b := range page.InDoubt {
			branches[b.ID] = true
		}
		for _, m := range page.Committed {
			markers[m.ID] = true
		}
		if next = page.Next; next != "" {
			d.step(list(next))
		}
	}
	if len(branches) != 1200 || len(markers) != 12000 || pages < 5 || pages > 12 {
		t.Errorf("%d branches, %d markers on %d pages", len(branches), len(markers), pages)
	}
}

func TestInboxIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newOffice(t)
		a := open(t, toyAt(t, t.TempDir()), participant.Options{}, o)
		o.dial(a)
		batch := make([]participant.Message, 1<<18+1)
		for i := range batch {
			batch[i] = participant.Message{Body: protocol.Hello{}} // nobody's: dropped
		}
		if o.link.Send(batch) || !o.link.Send(batch[1:]) {
			t.Error("the bound is not where it says")
		}
		shut(t, a)
	})
}

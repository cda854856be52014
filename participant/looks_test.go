package participant_test

import (
	"errors"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

// looker is a core whose listings of the store do not end before the test says so.
type looker struct {
	*driver
	calls   []uint64
	answers []participant.Answer
	listed  int
}

func (l *looker) step(events ...participant.Event) {
	l.core.Step(0, events, &l.out)
	for _, c := range l.out.Calls {
		l.calls = append(l.calls, c.N)
	}
	l.answers = append(l.answers, l.out.Answers...)
	for _, s := range l.out.Sends {
		if _, ok := s.Message.Body.(protocol.Listed); ok {
			l.listed++
		}
	}
}

// finish ends the oldest listing.
func (l *looker) finish() {
	n := l.calls[0]
	l.calls = l.calls[1:]
	l.step(participant.Done{N: n})
}

func (l *looker) list() {
	l.step(participant.Received{Session: 1, Messages: []participant.Message{{From: l.from, Body: protocol.List{}}}})
}

// P9, C10: people who look are bounded, and the coordinator's own list does not wait for them.
func TestPeopleWhoLookDelayNoList(t *testing.T) {
	l := &looker{driver: newDriver()}
	l.hello()
	for token := range uint64(6) {
		l.step(participant.ListAsked{Token: token + 1, Coordinator: 1})
	}
	if len(l.calls) != 4 || len(l.answers) != 2 || !errors.Is(l.answers[0].Err, txc.ErrBusy) {
		t.Fatalf("%d listings run, and %+v", len(l.calls), l.answers)
	}
	l.list()
	if len(l.calls) != 5 {
		t.Fatalf("the coordinator's list waits: %d listings run", len(l.calls))
	}
	for range 5 {
		l.finish()
	}
	if l.listed != 1 || len(l.answers) != 6 {
		t.Errorf("%d lists, %d answers", l.listed, len(l.answers))
	}
}

// C9: a list that finds too many running is not dropped: it comes when one of them ends.
func TestAListThatHasToWaitComes(t *testing.T) {
	l := &looker{driver: newDriver()}
	l.hello()
	for range 6 {
		l.list()
	}
	if len(l.calls) != 4 {
		t.Fatalf("%d listings run", len(l.calls))
	}
	for len(l.calls) > 0 {
		l.finish()
	}
	if l.listed != 5 {
		t.Errorf("%d lists: the last to ask was left without", l.listed)
	}
}

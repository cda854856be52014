package coordinator_test

import (
	"errors"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
)

func TestALinkWhoseQueueIsFullIsMadeAgain(t *testing.T) {
	f := newOffice(t, coordinator.Options{}, "a")
	defer f.close()
	f.mu.Lock()
	made := f.made
	f.full = true
	f.mu.Unlock()
	if r, err := f.c.Run(t.Context(), coordinator.Request{Work: work("a")}); err != nil || r.Outcome != txc.Aborted || r.Reason.Code != txc.CodeLostVote {
		t.Errorf("%+v, %v", r, err)
	}
	f.until(func() bool {
		r, err := f.c.Run(t.Context(), coordinator.Request{Work: work("a")})
		return err == nil && r.Outcome == txc.Committed
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.made != made+1 {
		t.Errorf("%d links were made", f.made-made)
	}
}

func TestALinkThatWasGivenUpIsNotHeardAnyMore(t *testing.T) {
	f := newOffice(t, coordinator.Options{}, "a")
	defer f.close()
	f.mu.Lock()
	old := f.links["a"]
	f.mu.Unlock()
	if _, err := f.c.Register(t.Context(), coordinator.Peer{Name: "a", Address: "elsewhere", Instance: f.fakes["a"].instance, Incarnation: f.fakes["a"].incarnation}); err != nil {
		t.Fatal(err)
	}
	f.register("a") // and its new link is heard
	old.receive(false, nil)
	old.receive(true, nil)
	old.receive(true, []protocol.Message{{Body: protocol.Welcome{Name: "a", Instance: [16]byte{99}}}})
	if s := f.participants()[0].State; s != "heard" {
		t.Errorf("it is %s", s)
	}
}

func TestADialerThatRefusesIsAskedAgainAtTheNextRegistration(t *testing.T) {
	f := newOffice(t, coordinator.Options{})
	defer f.close()
	f.mu.Lock()
	f.fakes["a"] = newFake("a", 1)
	f.shut = errNoDesk
	f.mu.Unlock()
	if _, err := f.c.Register(t.Context(), coordinator.Peer{Name: "a", Instance: f.fakes["a"].instance}); err != nil {
		t.Fatal(err)
	}
	if all := f.participants(); all[0].State != "unheard" || !errors.Is(all[0].Err, txc.ErrUnavailable) {
		t.Errorf("%+v", all)
	}
	f.mu.Lock()
	f.shut = nil
	f.mu.Unlock()
	f.register("a")
}

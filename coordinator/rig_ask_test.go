package coordinator_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
)

// refused reports whether a request was refused with this code.
func refused(err error, code txc.Code) bool {
	var ref *txc.Refusal
	return errors.As(err, &ref) && ref.Reason.Code == code
}

// ask hands an ask in under a token of its own, and gives the answer that came at once.
func (r *rig) ask(ev coordinator.Event) coordinator.Answered {
	r.t.Helper()
	return r.answer(r.begin(ev))
}

// begin hands an ask in.
func (r *rig) begin(ev coordinator.Event) (token string) {
	r.t.Helper()
	r.tokens++
	token = fmt.Sprintf("ask %d", r.tokens)
	r.step(withToken(r.t, ev, token))
	return token
}

// answer takes the answer that an ask has got.
func (r *rig) answer(token string) coordinator.Answered {
	r.t.Helper()
	a, ok := r.answers[token]
	if !ok {
		r.t.Fatalf("%s has no answer", token)
	}
	return a
}

func (r *rig) unanswered(token string) {
	r.t.Helper()
	if a, ok := r.answers[token]; ok {
		r.t.Fatalf("%s was answered too soon: %+v", token, a)
	}
}

func withToken(t testing.TB, ev coordinator.Event, token string) coordinator.Event {
	t.Helper()
	switch ev := ev.(type) {
	case coordinator.AskRun:
		ev.Token = token
		return ev
	case coordinator.AskBegin:
		ev.Token = token
		return ev
	case coordinator.AskEnlist:
		ev.Token = token
		return ev
	case coordinator.AskCommit:
		ev.Token = token
		return ev
	case coordinator.AskAbort:
		ev.Token = token
		return ev
	case coordinator.AskOutcome:
		ev.Token = token
		return ev
	case coordinator.AskRegister:
		ev.Token = token
		return ev
	case coordinator.AskInquire:
		ev.Token = token
		return ev
	case coordinator.AskResolve:
		ev.Token = token
		return ev
	case coordinator.AskAcknowledge:
		ev.Token = token
		return ev
	case coordinator.AskAccept:
		ev.Token = token
		return ev
	case coordinator.AskRemove:
		ev.Token = token
		return ev
	case coordinator.AskStatus:
		ev.Token = token
		return ev
	case coordinator.AskList:
		ev.Token = token
		return ev
	case coordinator.AskDetail:
		ev.Token = token
		return ev
	case coordinator.AskParticipants:
		ev.Token = token
		return ev
	case coordinator.AskDrain:
		ev.Token = token
		return ev
	default:
		t.Fatalf("%T is no ask", ev)
		return nil
	}
}

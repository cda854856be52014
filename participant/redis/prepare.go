package redis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	driver "github.com/redis/go-redis/v9"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// How often a branch looks whether a lock is free: more and more seldom.
const (
	lookFirst = time.Millisecond
	lookLast  = 16 * time.Millisecond
)

// Prepare is participant.Resource's.
func (s *Store) Prepare(ctx context.Context, b participant.Branch, data []byte, joined bool) (participant.Promise, error) {
	if s.closed.Load() {
		return participant.Promise{}, fmt.Errorf("redis: %w", txc.ErrClosed)
	}
	if joined {
		return no(txc.CodeBadWork, "this participant takes shipped work only"), nil
	}
	w, err := read(data)
	if err != nil {
		return no(txc.CodeBadWork, "%v", err), nil
	}
	end, err := keep(w.keys)
	if err != nil {
		return no(txc.CodeBadWork, "%v", err), nil
	}
	args := append([]any{s.incarnation, strings.Join(b.Members, ","), b.Age, b.MayRelease, end, txc.MaxBranchRes}, w.args...)
	until := time.Now().Add(s.o.LockTimeout)
	for pause := lookFirst; ; pause = min(2*pause, lookLast) {
		if ctx.Err() != nil { // nothing was sent, or what was sent last has changed nothing
			return no(txc.CodeDeadline, "its time ran out"), nil
		}
		r, err := s.run(ctx, preparing, b, w.keys, args...)
		if err != nil {
			return s.looked(ctx, b, err)
		}
		if r.word != "locked" {
			return vote(b, r)
		}
		if time.Now().After(until) {
			return no(txc.CodeLockTimeout, "waited %v for a lock that %s holds", s.o.LockTimeout, r.text(1)), nil
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
		}
	}
}

func no(code txc.Code, format string, args ...any) participant.Promise {
	return participant.Promise{Vote: txc.No, Reason: txc.Reason{Code: code, Text: fmt.Sprintf(format, args...), Retryable: code.Retryable()}}
}

// vote makes one of what the database said.
func vote(b participant.Branch, r reply) (participant.Promise, error) {
	p := participant.Promise{Evidence: []byte(r.text(0)), Results: []byte(r.text(1))}
	switch r.word {
	case "yes":
		p.Vote = txc.Yes
	case "held":
		p.Vote = txc.Held
	case "read-only":
		p.Vote = txc.ReadOnly
	case "no":
		return no(txc.Code(r.text(0)), "%s", r.text(1)), nil
	case "ended":
		if r.text(0) == "a" {
			return no(txc.CodeStore, "it was aborted before"), nil
		}
		return p, fmt.Errorf("prepare %s: it has ended already", b.Name())
	default:
		return p, fmt.Errorf("prepare %s: an answer %q", b.Name(), r.word)
	}
	return p, nil
}

// looked says what came of a Prepare whose answer was lost, or was no vote: it is promised, or never will be.
func (s *Store) looked(ctx context.Context, b participant.Branch, lost error) (participant.Promise, error) {
	if errors.Is(lost, txc.ErrStopped) {
		return participant.Promise{}, fmt.Errorf("prepare %s: %w", b.Name(), lost)
	}
	if unsent(lost) {
		return no(txc.CodeUnreachable, "its database is away"), nil
	}
	looking, cancel, err := s.deed(context.WithoutCancel(ctx))
	defer cancel()
	var r reply
	if err == nil {
		r, err = s.finish(looking, b, "look")
	}
	switch {
	case err != nil:
		return participant.Promise{}, fmt.Errorf("prepare %s: %w; look: %w", b.Name(), lost, err)
	case r.word != "none":
		return vote(b, r)
	case errors.Is(lost, driver.ErrPoolTimeout):
		return no(txc.CodeBusy, "all connections are busy"), nil
	case answered(lost):
		return no(codeOf(lost), "%v", lost), nil
	case ctx.Err() != nil || errors.Is(lost, context.DeadlineExceeded):
		return no(txc.CodeDeadline, "its time ran out"), nil
	default:
		return no(txc.CodeUnreachable, "its connection was lost"), nil
	}
}

// codeOf says what an answer that is no vote is to the client.
func codeOf(answer error) txc.Code {
	for _, passing := range []string{"OOM ", "BUSY ", "LOADING ", "MASTERDOWN "} {
		if strings.HasPrefix(answer.Error(), passing) {
			return txc.CodeBusy
		}
	}
	return txc.CodeStore
}

package participant

import (
	"context"
	"fmt"
	"time"

	"github.com/txc-dev/txc"
)

// Settle settles a promised branch by hand (H2): durable before it returns. mark 0 means the only branch of this id.
// The first of decision and operator wins; the error then wraps ErrInvalid. It wraps ErrNotFound where nothing of id is
// in doubt, and ErrUnknown where the store could not tell. Keep it for when the coordinator is lost for good.
func (a *Agent) Settle(ctx context.Context, id txc.ID, mark uint64, o txc.Outcome, who, why string) (txc.Fate, error) {
	s := Settlement{Outcome: o, Who: who, Why: why, When: time.Now()}
	answer, err := a.inbox.ask(ctx, func(token uint64) Event {
		return SettleAsked{Token: token, ID: id, Mark: mark, Settlement: s}
	})
	return answer.Fate, err
}

// Check tells how the store is, and what is in doubt.
func (a *Agent) Check(ctx context.Context) (Report, error) {
	r, err := a.store.Check(ctx)
	if err != nil {
		return r, fmt.Errorf("check %s: %w", a.o.Name, err)
	}
	a.o.waive(&r)
	status, err := a.inbox.ask(ctx, func(token uint64) Event { return StatusAsked{token} })
	if err != nil {
		return r, fmt.Errorf("check %s: %w", a.o.Name, err)
	}
	r.Instance, r.InDoubt, r.Oldest = a.self.Instance, status.InDoubt, status.Oldest
	return r, nil
}

// Proofs lists what the store can prove to have committed of one coordinator, in the order of ids, beginning at from, about
// limit of them at most: all marks of one id come together. next is where to go on; the zero id: there are no more.
func (a *Agent) Proofs(ctx context.Context, coordinator uint32, from txc.ID, limit int) (all []Proof, next txc.ID, err error) {
	if first := (txc.ID{Coordinator: coordinator}); from.Compare(first) < 0 {
		from = first
	}
	for p, err := range a.store.Committed(ctx, from) {
		switch {
		case err != nil:
			return nil, txc.ID{}, fmt.Errorf("list proofs: %w", err)
		case p.ID.Coordinator != coordinator:
			return all, txc.ID{}, nil
		case len(all) >= limit && p.ID != all[len(all)-1].ID:
			return all, p.ID, nil
		}
		all = append(all, p)
	}
	return all, txc.ID{}, nil
}

// InDoubt lists the promised and the settled branches of one coordinator, as the store and memory show them.
func (a *Agent) InDoubt(ctx context.Context, coordinator uint32) ([]InDoubt, error) {
	answer, err := a.inbox.ask(ctx, func(token uint64) Event { return ListAsked{token, coordinator} })
	return answer.Branches, err
}

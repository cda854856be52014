package rpc

import (
	"context"
	"fmt"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/coordinator"
)

// What people want to know goes by unary calls, past the queue of what the protocol has to say.

// maxLookPages bounds a listing for people.
const maxLookPages = 1000

// Check asks the participant about itself.
func (l *link) Check(ctx context.Context) (coordinator.Report, error) {
	from := l.sender()
	if from == nil {
		return coordinator.Report{}, fmt.Errorf("%w: %s was never reached", txc.ErrUnavailable, l.peer.Name)
	}
	asked := time.Now()
	p, err := l.client().Check(ctx, &txcpb.CheckRequest{From: senderPB(from)})
	if err != nil {
		return coordinator.Report{}, fmt.Errorf("check %s: %w", l.peer.Name, FromStatus(err))
	}
	r := reportOf(p)
	r.CompareClocks(asked, time.Since(asked))
	return r, nil
}

// InDoubt lists the promised branches that the participant holds for this coordinator.
func (l *link) InDoubt(ctx context.Context) ([]coordinator.InDoubt, error) {
	from := l.sender()
	if from == nil {
		return nil, fmt.Errorf("%w: %s was never reached", txc.ErrUnavailable, l.peer.Name)
	}
	var all []coordinator.InDoubt
	page := ""
	for range maxLookPages {
		p, err := l.client().Recover(ctx, &txcpb.RecoverRequest{From: senderPB(from), Participant: l.peer.Name, Page: page, Look: true})
		if err != nil {
			return nil, fmt.Errorf("list what is in doubt at %s: %w", l.peer.Name, FromStatus(err))
		}
		for _, d := range p.GetInDoubt() {
			one, err := inDoubtOf(d)
			if err != nil {
				return nil, fmt.Errorf("list what is in doubt at %s: %w", l.peer.Name, err)
			}
			all = append(all, one)
		}
		if page = p.GetNextPage(); page == "" {
			return all, nil
		}
	}
	return nil, fmt.Errorf("%w: %s lists more than %d pages", txc.ErrInvalid, l.peer.Name, maxLookPages)
}

func inDoubtOf(p *txcpb.InDoubt) (coordinator.InDoubt, error) {
	id, err := txc.ParseID(p.GetId())
	if err != nil {
		return coordinator.InDoubt{}, err
	}
	d := coordinator.InDoubt{
		ID: id, Mark: p.GetMark(), Evidence: p.GetEvidence(), Members: p.GetMembers(), Age: p.GetAge(),
		Settled: txc.Fate(known(p.GetSettled(), txcpb.Fate_HAZARD)), Why: ReasonOf(p.GetWhy()),
	}
	if p.GetSinceUnixMs() != 0 {
		d.Since = time.UnixMilli(p.GetSinceUnixMs()).UTC()
	}
	return d, nil
}

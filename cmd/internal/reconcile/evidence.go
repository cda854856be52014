package reconcile

import (
	"context"
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
)

// shown is one thing that a source shows of an id: a proof, a branch in doubt, or that it is unfinished.
type shown struct {
	key
	proof bool
	doubt *txcpb.InDoubt
}

// cursor reads a source in the order of ids, a page at a time.
type cursor struct {
	name string  // of the participant; "": the coordinator
	page []shown // what was read and not taken yet
	last txc.ID
	more func(ctx context.Context) ([]shown, error) // the next page; nil: there is none
}

// fill reads on where nothing is left. Pages may be empty.
func (c *cursor) fill(ctx context.Context) error {
	for len(c.page) == 0 && c.more != nil {
		page, err := c.more(ctx)
		if err != nil {
			return err
		}
		c.page = page
	}
	return nil
}

// doubts is a participant's list of what is in doubt, read once: the stores' slots bound it.
func (r *run) doubts(ctx context.Context, name string, p Participant) *cursor {
	c := &cursor{name: name}
	c.more = func(context.Context) ([]shown, error) {
		c.more = nil
		all, err := p.InDoubt(ctx)
		if err != nil {
			return nil, r.gone(ctx, name)
		}
		r.InDoubt += len(all)
		page := make([]shown, 0, len(all))
		for _, d := range all {
			id, err := txc.ParseID(d.GetId())
			if err != nil {
				return nil, r.gone(ctx, name)
			}
			page = append(page, shown{key: key{ID: id, Mark: d.GetMark()}, doubt: d})
		}
		slices.SortFunc(page, func(a, b shown) int { return compare(a.key, b.key) })
		return page, nil
	}
	return c
}

// proofs are a participant's markers, page by page.
func (r *run) proofs(name string, p Participant) *cursor {
	c := &cursor{name: name}
	from := ""
	c.more = func(ctx context.Context) ([]shown, error) {
		if r.away[name] {
			c.more = nil
			return nil, nil
		}
		all, next, told, err := p.Proofs(ctx, from, pageProofs)
		page := make([]shown, 0, len(all))
		for _, text := range all {
			k, wrong := frame.ParseProof(text)
			if wrong != nil || k.ID.Compare(c.last) <= 0 && c.last != (txc.ID{}) {
				err = errOrder // what cannot be merged is not believed
				break
			}
			page = append(page, shown{key: k, proof: true})
		}
		slices.SortFunc(page, func(a, b shown) int { return compare(a.key, b.key) }) // marks of one id, which come together
		if len(page) > 0 {
			c.last = page[len(page)-1].ID
		}
		if err == nil && next != "" && (len(all) == 0 || next == from) {
			err = errOrder
		}
		if err != nil {
			c.more = nil
			return nil, r.gone(ctx, name)
		}
		if !told {
			c.more, r.untold[name] = nil, true
			return nil, nil
		}
		if from = next; next == "" {
			c.more = nil
		}
		r.Proofs += len(page)
		return page, nil
	}
	return c
}

// unfinished are the coordinator's transactions that somebody has not acknowledged, page by page.
func (r *run) unfinished() *cursor {
	c := &cursor{}
	above := ""
	c.more = func(ctx context.Context) ([]shown, error) {
		reply, err := r.c.Facts(ctx, &txcpb.FactsRequest{Unfinished: true, Page: above})
		if err != nil {
			return nil, err
		}
		var page []shown
		for _, f := range reply.GetFacts() {
			id, err := txc.ParseID(f.GetId())
			if err != nil {
				return nil, err
			}
			page = append(page, shown{key: key{ID: id, Mark: f.GetMark()}})
		}
		if above = reply.GetNextPage(); above == "" || len(page) == 0 {
			c.more = nil
		}
		r.Unfinished += len(page)
		return page, nil
	}
	return c
}

// gone takes a participant out that could not be asked: nothing more is claimed of it. Where the time of all is over,
// that is the error.
func (r *run) gone(ctx context.Context, name string) error {
	r.away[name] = true
	return ctx.Err()
}

package coordinator

import (
	"slices"

	"github.com/txc-dev/txc"
)

// oddDetail is what is known of an aborted transaction, and of its branches that stand against that.
func (c *Core) oddDetail(o *oddAbort) Detail {
	d := Detail{State: "ended", Partial: true, Result: Result{ID: o.id, Mark: o.mark, Outcome: txc.Aborted}}
	if l := c.ended.items[o.id]; l != nil {
		d = c.detail(l)
	}
	d.Heuristic = o.heuristic()
	for _, b := range o.branches {
		if !b.durable {
			continue
		}
		state := "heuristic-committed"
		if b.fate == txc.Hazard {
			state = "hazard"
		}
		i := slices.IndexFunc(d.Branches, func(r BranchResult) bool { return r.Participant == b.participant })
		if i < 0 {
			i = len(d.Branches)
			d.Branches = append(d.Branches, BranchResult{Participant: b.participant})
		}
		d.Branches[i].State, d.Branches[i].Reason = state, b.why
	}
	if !o.excused() {
		d.WaitsFor = []string{"an operator: a branch committed, or may have, although the transaction aborted (txc acknowledge)"}
	}
	return d
}

func (c *Core) askDetail(ev AskDetail) {
	l, o := c.live[ev.ID], c.odd[ev.ID]
	if l == nil {
		l = c.ended.items[ev.ID]
	}
	switch {
	case o != nil && o.shown():
		c.answer(Answered{Token: ev.Token, Detail: c.oddDetail(o)})
	case l != nil:
		c.answer(Answered{Token: ev.Token, Detail: c.detail(l)})
	case len(c.disownedDetail(ev.ID).WaitsFor) > 0:
		c.answer(Answered{Token: ev.Token, Detail: c.disownedDetail(ev.ID)})
	default:
		c.refuse(ev.Token, txc.ErrNotFound, txc.CodeNotFound, ev.ID.String()+" is not in memory")
	}
}

// list is what memory holds, newest first, from below ev.Before on; the shell adds the history.
func (c *Core) list(ev AskList) Answered {
	a := Answered{Token: ev.Token}
	take := func(id txc.ID, l *live) {
		a.Memory = append(a.Memory, id)
		if a.More || ev.Filter.Limit < 0 || !ev.Before.IsZero() && id.Compare(ev.Before) >= 0 {
			return
		}
		d := c.past(id, l)
		switch {
		case !ev.Filter.Match(d):
		case ev.Filter.Limit > 0 && len(a.List) == ev.Filter.Limit:
			a.More = true
		default:
			d.Timeline = c.timelineOf(id, l)
			a.List = append(a.List, d)
		}
	}
	others := c.others()
	for l := c.order.last; l != nil || len(others) > 0; {
		if l != nil && (len(others) == 0 || others[0].Compare(l.id) < 0) {
			take(l.id, l)
			l = l.prev
			continue
		}
		take(others[0], nil)
		others = others[1:]
	}
	for _, p := range c.byName {
		if p.quarantined() {
			a.Quarantined = append(a.Quarantined, p.name)
		}
	}
	return a
}

// others are the ids of what is remembered and not live, newest first.
func (c *Core) others() []txc.ID {
	ids := c.presumedIDs()
	for _, id := range c.oddIDs() {
		if c.odd[id].shown() {
			ids = append(ids, id)
		}
	}
	ids = append(ids, c.disownedIDs()...)
	ids = append(ids, c.ended.order.items[c.ended.order.from:]...)
	slices.SortFunc(ids, func(a, b txc.ID) int { return b.Compare(a) })
	return slices.Compact(ids)
}

// timelineOf is for what is listed: most of what is looked at is not.
func (c *Core) timelineOf(id txc.ID, l *live) []Moment {
	if l == nil {
		l = c.ended.items[id]
	}
	if l == nil {
		return nil
	}
	return l.timeline()
}

// past tells of a transaction that is live as l, or else is remembered all the same, but for its timeline.
func (c *Core) past(id txc.ID, l *live) Detail {
	o := c.odd[id]
	switch {
	case l != nil:
		return c.summary(l)
	case o != nil && o.shown():
		return c.oddDetail(o)
	case c.ended.items[id] != nil:
		return c.summary(c.ended.items[id])
	case c.presumed[id] != nil:
		return c.presumed[id].detail()
	default:
		return c.disownedDetail(id)
	}
}

// Match reports whether the filter chooses d.
func (f Filter) Match(d Detail) bool {
	if len(f.States) > 0 && !slices.ContainsFunc(f.States, func(s string) bool { return inState(d, s) }) {
		return false
	}
	if f.Participant != "" && !slices.ContainsFunc(d.Branches, func(b BranchResult) bool { return b.Participant == f.Participant }) {
		return false
	}
	for k, v := range f.Labels {
		if d.Labels[k] != v {
			return false
		}
	}
	return f.Since.IsZero() || !d.Began.Before(f.Since)
}

func inState(d Detail, s string) bool {
	switch s {
	case "in-doubt":
		return d.State == "committing" || d.State == "deciding" || d.Heuristic != NoHeuristic && len(d.WaitsFor) > 0 ||
			d.State == "ending" && len(d.WaitsFor) > 0
	case "committed", "aborted":
		return d.Outcome.String() == s
	case "mixed":
		return d.Heuristic != NoHeuristic
	default:
		return d.State == s
	}
}

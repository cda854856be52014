package coordinator

import (
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// Of a stretch of the past whose loss was accepted nothing is ever presumed (C12): its promised branches are shown with
// what their fellow members know, until an operator has settled them (H2). So that the fellows still know, their markers
// are kept: such an id stands among the exceptions of everybody's watermark.

// disowned is what one participant showed of it: promised branches that nobody has settled, and markers.
type disowned struct {
	doubt, done []protocol.Proof
}

func (d *disowned) add(to *[]protocol.Proof, id txc.ID, mark uint64) {
	if len(*to) <= txc.MaxOpen {
		*to = append(*to, protocol.Proof{ID: id, Mark: mark})
	}
}

func (c *Core) isDisowned(id txc.ID, mark uint64) bool {
	return id.Coordinator == c.number && c.openings.Disowned(id.Epoch, mark)
}

// disownedIDs are those of the promised ones, ascending.
func (c *Core) disownedIDs() []txc.ID {
	var ids []txc.ID
	for _, p := range c.byName {
		for _, d := range p.disowned.doubt {
			ids = append(ids, d.ID)
		}
	}
	slices.SortFunc(ids, txc.ID.Compare)
	return slices.Compact(ids)
}

// holdsBack reports whether no watermark may pass older openings yet: somebody may still show a promised branch of what
// was lost, and who is waited for is heard within the time after which C6 waits no longer either.
func (c *Core) holdsBack() bool {
	return len(c.openings.Losses) > 0 && len(c.absent(nil)) > 0 &&
		(c.o.PresumeAfter < 0 || c.w.Now.Sub(c.opened) < c.o.PresumeAfter)
}

// disownedDetail tells what all members have shown of one such transaction; the zero Detail if none is promised.
func (c *Core) disownedDetail(id txc.ID) (d Detail) {
	for _, p := range c.byName {
		for _, proof := range p.disowned.doubt {
			if proof.ID == id {
				d.Mark = proof.Mark
				d.Branches = append(d.Branches, BranchResult{Participant: p.name, State: "in-doubt"})
				d.WaitsFor = append(d.WaitsFor, "an operator: its record was lost; settle the branch at "+p.name+" as its fellow members stand (txc resolve --at)")
			}
		}
	}
	if len(d.WaitsFor) == 0 {
		return Detail{}
	}
	for _, p := range c.byName {
		if slices.Contains(p.disowned.done, protocol.Proof{ID: id, Mark: d.Mark}) {
			d.Branches = append(d.Branches, BranchResult{Participant: p.name, State: "committed"})
		}
	}
	d.ID, d.Outcome, d.State, d.Partial = id, txc.Unknown, "committing", true
	return d
}

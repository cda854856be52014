package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/grpc"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
)

// Coordinator is what is asked of the coordinator.
type Coordinator interface {
	Facts(ctx context.Context, r *txcpb.FactsRequest, o ...grpc.CallOption) (*txcpb.FactsReply, error)
}

// Participant is what is asked of a participant.
type Participant interface {
	// InDoubt lists promised and settled branches of this coordinator.
	InDoubt(ctx context.Context) ([]*txcpb.InDoubt, error)
	// Proofs lists markers in the order of ids, from an id on ("": the first), about n of them: `<id>.<mark>`. next is where to
	// go on, "" after the last. told is false where the participant does not tell of its markers.
	Proofs(ctx context.Context, from string, n uint32) (all []string, next string, told bool, err error)
}

// Finding is something that cannot be, or that somebody has to look at.
type Finding struct {
	Name, Participant, ID string
	Text, Todo            string
}

// Result is what was found, and how much was looked at.
type Result struct {
	Findings    []Finding // in the order of ids
	More        int       // findings beyond maxFindings, which were not kept
	Unreachable []string  // participants that could not be asked, or not to the end
	Untold      []string  // participants that do not tell of their proofs
	Proofs      int
	InDoubt     int
	Unfinished  int
	Shown       int // ids with their marks that somebody showed
}

// Bounds.
const (
	maxFindings = 1000
	maxBatch    = coordinator.MaxFacts // ids that are judged at once
	pageProofs  = 1000                 // of one participant
)

// key names a transaction for ever.
type key = protocol.Proof

// Run reconciles. An error is the coordinator's: participants that fail are named in the result.
func Run(ctx context.Context, c Coordinator, members map[string]Participant) (Result, error) {
	r := run{c: c, members: members, away: map[string]bool{}, untold: map[string]bool{}}
	var sources []*cursor
	r.names = slices.Sorted(maps.Keys(members))
	for _, name := range r.names { // so that findings come in order
		p := members[name]
		sources = append(sources, r.doubts(ctx, name, p), r.proofs(name, p))
	}
	sources = append(sources, r.unfinished())
	for {
		batch, err := r.batch(ctx, sources)
		if err != nil {
			return r.Result, err
		}
		if len(batch) == 0 {
			break
		}
		r.Shown += len(batch)
		if err := r.judge(ctx, batch); err != nil {
			return r.Result, err
		}
	}
	for _, name := range r.names {
		if r.away[name] {
			r.Unreachable = append(r.Unreachable, name)
		} else if r.untold[name] {
			r.Untold = append(r.Untold, name)
		}
	}
	return r.Result, nil
}

type run struct {
	Result
	c            Coordinator
	members      map[string]Participant
	names        []string
	away, untold map[string]bool
}

func (r *run) find(f Finding) {
	if len(r.Findings) == maxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, f)
}

// group is all that was shown of one id and mark.
type group struct {
	key
	proved []string                  // who proves that it committed there
	doubt  map[string]*txcpb.InDoubt // who holds it
}

// batch takes the next ids from all sources.
func (r *run) batch(ctx context.Context, sources []*cursor) ([]*group, error) {
	var all []*group
	for len(all) < maxBatch {
		var least *cursor
		for _, s := range sources {
			if err := s.fill(ctx); err != nil {
				return nil, err
			}
			if len(s.page) > 0 && (least == nil || compare(s.page[0].key, least.page[0].key) < 0) {
				least = s
			}
		}
		if least == nil {
			break
		}
		g := &group{key: least.page[0].key, doubt: map[string]*txcpb.InDoubt{}}
		for _, s := range sources {
			for len(s.page) > 0 && s.page[0].key == g.key {
				g.add(s.name, s.page[0])
				s.page = s.page[1:]
				if err := s.fill(ctx); err != nil {
					return nil, err
				}
			}
		}
		all = append(all, g)
	}
	return all, nil
}

func (g *group) add(name string, s shown) {
	switch {
	case s.doubt != nil:
		g.doubt[name] = s.doubt
	case s.proof:
		g.proved = append(g.proved, name)
	}
}

func compare(a, b key) int {
	if n := a.ID.Compare(b.ID); n != 0 {
		return n
	}
	switch {
	case a.Mark < b.Mark:
		return -1
	case a.Mark > b.Mark:
		return 1
	}
	return 0
}

// facts asks the coordinator about ids.
func (r *run) facts(ctx context.Context, ids []key) (map[key]*txcpb.Fact, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	q := &txcpb.FactsRequest{}
	for _, k := range ids {
		q.Ids = append(q.Ids, frame.FormatProof(k))
	}
	reply, err := r.c.Facts(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(reply.GetFacts()) != len(ids) {
		return nil, fmt.Errorf("%w: the coordinator tells of %d ids where it was asked for %d", txc.ErrInvalid, len(reply.GetFacts()), len(ids))
	}
	all := make(map[key]*txcpb.Fact, len(ids))
	for i, k := range ids {
		all[k] = reply.GetFacts()[i]
	}
	return all, nil
}

var errOrder = errors.New("what it lists is not in the order of ids")

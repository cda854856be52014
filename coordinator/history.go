package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// Bounds of a listing.
const (
	defaultList = 100
	maxList     = 10_000
	pollFor     = time.Second // how long participants are asked about themselves
)

// List tells of transactions, newest first: those in memory on the first page, then those of the history. next is the
// page that follows, "" after the last.
func (c *Coordinator) List(ctx context.Context, f Filter) (all []Detail, next string, err error) {
	if f.Limit == 0 {
		f.Limit = defaultList
	}
	if f.Limit < 0 || f.Limit > maxList {
		return nil, "", txc.Refuse(txc.ErrInvalid, txc.CodeTooLarge, fmt.Sprintf("a limit of %d: use 1 to %d", f.Limit, maxList))
	}
	before, page, err := parsePage(f.Page)
	if err != nil {
		return nil, "", err
	}
	inner := f
	if page != 0 {
		inner.Limit = -1
	}
	a, err := c.call(ctx, func(t Token) Event { return AskList{Token: t, Filter: inner, Before: before} })
	switch {
	case err != nil:
		return nil, "", err
	case a.More:
		return a.List, "m" + a.List[len(a.List)-1].ID.String(), nil
	case inMemoryOnly(f.States):
		return a.List, "", nil
	}
	h := historian{
		inMemory: make(map[txc.ID]bool, len(a.Memory)), quarantined: a.Quarantined,
		ended: map[txc.ID]time.Time{}, odd: map[txc.ID]Heuristic{},
	}
	for _, id := range a.Memory {
		h.inMemory[id] = true
	}
	return h.read(ctx, c.log, f, page, a.List)
}

// parsePage reads a page's name: "m" and the last id of memory's pages, then the last LSN of the history's.
func parsePage(s string) (before txc.ID, lsn uint64, err error) {
	if s == "" {
		return before, 0, nil
	}
	if id, ok := strings.CutPrefix(s, "m"); ok {
		before, err = txc.ParseID(id)
	} else if lsn, err = strconv.ParseUint(s, 10, 64); err == nil && (lsn == 0 || strconv.FormatUint(lsn, 10) != s) {
		err = txc.ErrInvalid
	}
	if err != nil {
		return before, 0, txc.Refuse(txc.ErrInvalid, txc.CodeBadName, fmt.Sprintf("%q is no page of this list", note(s, maxWho)))
	}
	return before, lsn, nil
}

// inMemoryOnly reports whether the history holds nothing that the filter could choose.
func inMemoryOnly(states []string) bool {
	for _, s := range states {
		if s == "ended" || s == "committed" || s == "aborted" || s == "mixed" {
			return false
		}
	}
	return len(states) > 0
}

// historian makes details of records, which come newest first: an end before what it ends.
type historian struct {
	inMemory    map[txc.ID]bool
	quarantined []string
	ended       map[txc.ID]time.Time
	odd         map[txc.ID]Heuristic
}

func (h *historian) read(ctx context.Context, log wal.Log, f Filter, page uint64, all []Detail) ([]Detail, string, error) {
	for r, err := range log.History(ctx) {
		if err != nil {
			return nil, "", unreadable(err)
		}
		d, ok := h.take(r)
		if !ok || page != 0 && r.LSN >= page {
			continue
		}
		if !f.Since.IsZero() && r.When.Before(f.Since) {
			return all, "", nil
		}
		if !f.Match(d) {
			continue
		}
		if len(all) == f.Limit {
			return all, strconv.FormatUint(r.LSN+1, 10), nil
		}
		all = append(all, d)
	}
	return all, "", nil
}

func (h *historian) take(r wal.Record) (Detail, bool) {
	switch b := r.Body.(type) {
	case wal.EndBody:
		h.ended[r.ID] = r.When
	case wal.HeuristicBody:
		h.odd[r.ID] = max(h.odd[r.ID], heuristicOf(b.Fate))
	case wal.CommitBody:
		if !h.inMemory[r.ID] {
			return h.committed(r, b), true
		}
	case wal.AbortBody:
		if !h.inMemory[r.ID] {
			d := aborted(r, b)
			d.Heuristic = h.odd[r.ID]
			delete(h.odd, r.ID)
			return d, true
		}
	default: // about no transaction, or nothing that a listing shows
	}
	return Detail{}, false
}

func (h *historian) committed(r wal.Record, b wal.CommitBody) Detail {
	end, ok := h.ended[r.ID]
	d := detailOf(r, b, end, ok, h.odd[r.ID])
	for i := range d.Branches {
		if slices.Contains(h.quarantined, d.Branches[i].Participant) {
			d.Branches[i].State = "hazard" // its store is not the one that acknowledged (C13)
		}
	}
	delete(h.ended, r.ID)
	delete(h.odd, r.ID)
	return d
}

func detailOf(r wal.Record, b wal.CommitBody, end time.Time, ended bool, odd Heuristic) Detail {
	d := Detail{
		Result: Result{ID: r.ID, Key: b.Key, Outcome: txc.Committed, Applied: ended && odd == NoHeuristic, Replayed: true, Heuristic: odd},
		State:  "committing", Began: b.Began, Labels: b.Labels, Partial: true,
		Timeline: []Moment{
			{When: b.Began, What: "begun"},
			{When: r.When, What: "committed", Text: "the decision is durable", Durable: true, LSN: r.LSN},
		},
	}
	state := "in-doubt"
	if ended {
		state = "committed"
		d.State, d.Ended = "ended", end
		d.Timeline = append(d.Timeline, Moment{When: end, What: "ended", Durable: true})
	}
	for _, m := range b.Members {
		d.Branches = append(d.Branches, BranchResult{Participant: m.Participant, Vote: txc.Yes, State: state})
	}
	return d
}

func aborted(r wal.Record, b wal.AbortBody) Detail {
	d := Detail{
		Result: Result{ID: r.ID, Key: b.Key, Outcome: txc.Aborted, Reason: b.Reason, Replayed: true},
		State:  "ended", Began: b.Began, Ended: r.When, Labels: b.Labels, Partial: true,
		Timeline: []Moment{{When: b.Began, What: "begun"}, {When: r.When, What: "aborted", Text: b.Reason.String(), LSN: r.LSN}},
	}
	for _, m := range b.Members {
		d.Branches = append(d.Branches, BranchResult{Participant: m, State: "aborted"})
	}
	return d
}

// Get tells everything about one transaction. Of one that is not in memory the log is asked, and of one that the log
// does not have, C4. An id that was never issued is txc.ErrNotFound.
func (c *Coordinator) Get(ctx context.Context, id txc.ID) (Detail, error) {
	a, err := c.call(ctx, func(t Token) Event { return AskDetail{t, id} })
	if err == nil || !errors.Is(err, txc.ErrNotFound) {
		return a.Detail, err
	}
	out, err := c.Outcome(ctx, id, "")
	if err != nil {
		return Detail{}, err
	}
	rec, ended, ok, err := c.log.Find(id)
	if err != nil {
		return Detail{}, unreadable(err)
	}
	d := Detail{Result: out, State: "ended", Partial: true}
	if ok {
		d = detailOf(rec, rec.Body.(wal.CommitBody), time.Time{}, ended, NoHeuristic)
		d.Result = out
	}
	if d.Outcome == txc.Unknown {
		d.State = "" // nobody knows how far it came
	}
	return d, nil
}

// Participants tells of everybody who registered, and asks each about itself, for a second at most.
func (c *Coordinator) Participants(ctx context.Context) ([]Participant, error) {
	a, err := c.call(ctx, func(t Token) Event { return AskParticipants{t} })
	if err != nil {
		return nil, err
	}
	all := a.Participants
	c.poll(ctx, len(all), func(ctx context.Context, i int) {
		l := c.linkOf(all[i].Name)
		if l == nil {
			all[i].Err = fmt.Errorf("%w: no link to %s", txc.ErrUnavailable, all[i].Name)
			return
		}
		all[i].Report, all[i].Err = l.Check(ctx)
	})
	return all, nil
}

// Doubt is what a participant reports of its promised branches.
type Doubt struct {
	Participant string
	Branches    []InDoubt
	Err         error // it could not be asked
}

// InDoubt asks every participant for its promised branches, for a second at most.
func (c *Coordinator) InDoubt(ctx context.Context) ([]Doubt, error) {
	a, err := c.call(ctx, func(t Token) Event { return AskParticipants{t} })
	if err != nil {
		return nil, err
	}
	var all []Doubt
	for _, p := range a.Participants {
		if p.State != wal.StateRemoved && p.State != wal.StateGone {
			all = append(all, Doubt{Participant: p.Name})
		}
	}
	c.poll(ctx, len(all), func(ctx context.Context, i int) {
		l := c.linkOf(all[i].Participant)
		if l == nil {
			all[i].Err = fmt.Errorf("%w: no link to %s", txc.ErrUnavailable, all[i].Participant)
			return
		}
		all[i].Branches, all[i].Err = l.InDoubt(ctx)
	})
	return all, nil
}

func (c *Coordinator) poll(ctx context.Context, n int, ask func(context.Context, int)) {
	ctx, cancel := context.WithTimeout(ctx, pollFor)
	defer cancel()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { ask(ctx, i) })
	}
	wg.Wait()
}

func (c *Coordinator) linkOf(name string) Link {
	c.peersMu.Lock()
	defer c.peersMu.Unlock()
	return c.peers[name]
}

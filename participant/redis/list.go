package redis

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	driver "github.com/redis/go-redis/v9"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// page is how many of something are read at once.
const page = 1000

// doubtful is a branch that is listed.
type doubtful struct {
	participant.InDoubt
	locks int
}

// InDoubt is participant.Resource's. Of other clusters and participants it shows nothing: they have lists of their own.
func (s *Store) InDoubt(ctx context.Context) iter.Seq2[participant.InDoubt, error] {
	return func(yield func(participant.InDoubt, error) bool) {
		all, err := s.inDoubt(ctx)
		if err != nil {
			yield(participant.InDoubt{}, fmt.Errorf("list what is in doubt: %w", err))
			return
		}
		for _, d := range all {
			if !yield(d.InDoubt, nil) {
				return
			}
		}
	}
}

func (s *Store) inDoubt(ctx context.Context) ([]doubtful, error) {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err != nil {
		return nil, err
	}
	var all []doubtful
	listed := map[string]bool{} // a name can come twice
	for cursor := uint64(0); ; {
		var names, fresh []string
		if names, cursor, err = s.db.SScan(ctx, s.key("doubt"), cursor, "", page).Result(); err != nil {
			return nil, err
		}
		for _, n := range names {
			if !listed[n] {
				listed[n], fresh = true, append(fresh, n)
			}
		}
		some, err := s.describe(ctx, fresh)
		if err != nil {
			return nil, err
		}
		if all = append(all, some...); cursor == 0 {
			return all, s.note(ctx, "sync")
		}
	}
}

// describe reads branches; one that has ended meanwhile is left out.
func (s *Store) describe(ctx context.Context, names []string) (all []doubtful, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	rows, err := s.db.Pipelined(ctx, func(p driver.Pipeliner) error {
		for _, n := range names {
			p.HMGet(ctx, n, "state", "evidence", "members", "age", "since", "outcome", "who", "why", "count")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		values := row.(*driver.SliceCmd).Val()
		fields := make([]string, len(values))
		for j, v := range values {
			fields[j], _ = v.(string) // nil: there is none
		}
		if fields[0] == "" {
			continue
		}
		d, err := describe(names[i], fields)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func describe(name string, f []string) (d doubtful, err error) {
	_, id, mark, _, ok := txc.ParseBranchName(name)
	if !ok {
		return d, fmt.Errorf("%q is no branch", name)
	}
	age, err := strconv.ParseUint(f[3], 10, 64)
	if err != nil {
		return d, fmt.Errorf("%s: its age: %w", name, err)
	}
	since, err := strconv.ParseInt(f[4], 10, 64)
	if err != nil {
		return d, fmt.Errorf("%s: since when: %w", name, err)
	}
	d.InDoubt = participant.InDoubt{ID: id, Mark: mark, Evidence: []byte(f[1]), Members: strings.Split(f[2], ","), Age: age, Since: time.UnixMicro(since)}
	if f[0] != "settled" {
		d.locks, err = strconv.Atoi(f[8])
		return d, err
	}
	d.Settled = txc.AbortedBefore
	if f[5] == "committed" {
		d.Settled = txc.CommittedBefore
	}
	d.Why = txc.Reason{Code: txc.CodeOperator, Text: f[6] + ": " + f[7]}
	return d, nil
}

// Committed is participant.Resource's.
func (s *Store) Committed(ctx context.Context, from txc.ID) iter.Seq2[participant.Proof, error] {
	return func(yield func(participant.Proof, error) bool) {
		for next := "[" + sortable(from); next != ""; {
			all, err := s.proofs(ctx, &next)
			if err != nil {
				yield(participant.Proof{}, fmt.Errorf("list proofs: %w", err))
				return
			}
			for _, p := range all {
				if !yield(p, nil) {
					return
				}
			}
		}
	}
}

// proofs reads a page of what has committed by a decision, and moves on; to "" behind the last page.
func (s *Store) proofs(ctx context.Context, next *string) (all []participant.Proof, err error) {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err != nil {
		return nil, err
	}
	names, err := s.db.ZRangeArgs(ctx, driver.ZRangeArgs{Key: s.key("ended"), Start: *next, Stop: "+", ByLex: true, Count: page}).Result()
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		if text, is := strings.CutSuffix(n, "c"); is && len(text) == 48 {
			id, mark, err := parseSortable(text)
			if err != nil {
				return nil, err
			}
			all = append(all, participant.Proof{ID: id, Mark: mark})
		}
		*next = "(" + n
	}
	if len(names) < page {
		*next = ""
	}
	return all, s.note(ctx, "sync")
}

package redis

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// Recall is participant.Resource's.
func (s *Store) Recall(ctx context.Context) (participant.Memory, error) {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err != nil {
		return participant.Memory{}, err
	}
	fields, err := s.db.HGetAll(ctx, s.key("memory")).Result()
	var m participant.Memory
	if err == nil {
		m, err = s.recall(fields)
	}
	if err != nil {
		return m, fmt.Errorf("recall: %w", err)
	}
	return m, nil
}

func (s *Store) recall(fields map[string]string) (m participant.Memory, err error) {
	if fields["instance"] != s.instance {
		return m, fmt.Errorf("%w: participant %s: the database was emptied, or replaced by another one", txc.ErrStopped, s.o.Name)
	}
	if m.Instance, err = identity(s.instance); err != nil {
		return m, err
	}
	if m.Stamp, err = strconv.ParseUint(fields["stamp"], 10, 64); err != nil {
		return m, fmt.Errorf("the stamp: %w", err)
	}
	for name, value := range fields {
		coordinator, is := strings.CutPrefix(name, "seen ")
		if !is {
			continue
		}
		w, err := parseWitness(coordinator, value)
		if err != nil {
			return m, err
		}
		m.Seen = append(m.Seen, w)
	}
	slices.SortFunc(m.Seen, func(a, b participant.Seen) int { return int(int64(a.Coordinator) - int64(b.Coordinator)) })
	return m, nil
}

func identity(digits string) (id [16]byte, err error) {
	if n, err := hex.Decode(id[:], []byte(digits[:min(len(digits), 32)])); err != nil || n != len(id) || len(digits) != 32 {
		return id, fmt.Errorf("%q is no identity", digits)
	}
	return id, nil
}

// Remember is participant.Resource's. A witness only ever rises.
func (s *Store) Remember(ctx context.Context, m participant.Memory) error {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err == nil {
		var args []any
		for _, w := range m.Seen {
			coordinator, seen := witness(w)
			args = append(args, coordinator, seen)
		}
		err = s.note(ctx, "remember", args...)
	}
	if err != nil {
		return fmt.Errorf("remember: %w", err)
	}
	return nil
}

// Forget is participant.Resource's.
func (s *Store) Forget(ctx context.Context, below txc.ID, but []txc.ID) error {
	ctx, cancel, err := s.deed(ctx)
	defer cancel()
	if err == nil {
		err = s.note(ctx, "forget", watermark(below, but)...)
	}
	if err != nil {
		return fmt.Errorf("forget below %s: %w", below, err)
	}
	return nil
}

// watermark writes one, with its exceptions, and the ranges of what ended that lie between those.
func watermark(below txc.ID, but []txc.ID) []any {
	var exceptions []string
	for _, id := range but {
		if id.Coordinator == below.Coordinator && id.Compare(below) < 0 {
			exceptions = append(exceptions, sortable(id))
		}
	}
	slices.Sort(exceptions)
	floor, from := sortable(below), "["+sortable(txc.ID{Coordinator: below.Coordinator})
	args := []any{floor[:8], strings.Join(append([]string{floor}, exceptions...), " ")}
	for _, id := range exceptions {
		args = append(args, from, "("+id)
		from = "[" + id + "~" // above all that begins with it
	}
	return append(args, from, "("+floor)
}

package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/kv/engine"
)

func refusedOpen(t *testing.T, d *disk, instance [16]byte) {
	t.Helper()
	if _, _, err := engine.Open(engine.Options{Cluster: cluster, Participant: bank, Instance: instance}, d); !errors.Is(err, txc.ErrRefused) {
		t.Errorf("open: %v, want refused", err)
	}
}

// rowOf finds the one row of a space.
func rowOf(t *testing.T, d *disk, space string) string {
	t.Helper()
	for k := range d.cache {
		if k[:1] == space && k != "mlast" {
			return k
		}
	}
	t.Fatalf("no row in space %s", space)
	return ""
}

// A store that says what no store of this version writes is refused: nothing is guessed.
func TestStrangeRowsAreRefused(t *testing.T) {
	for _, space := range []string{"i", "t", "m", "j"} {
		for says, change := range map[string]func(string) string{
			"newer version": func(v string) string { return "\x02" + v[1:] },
			"empty":         func(string) string { return "" },
			"version 0":     func(v string) string { return "\x00" + v[1:] },
			"cut off":       func(v string) string { return v[:len(v)-1] },
			"unknown field": func(v string) string { return v + "\xf8\x01\x01" },
		} {
			t.Run(space+" "+says, func(t *testing.T) {
				s := &store{t: t, d: newDisk(), now: start, answers: map[uint64]engine.Answer{}, o: engine.Options{Journal: 1}}
				s.reopen()
				s.apply(tx{seq: 1, age: 1}, put("k", "v"))
				s.promise(tx{seq: 2, age: 1}, put("k", "v"))
				s.promise(tx{seq: 3, age: 1}, put("l", "v"))
				row := rowOf(t, s.d, space)
				s.d.cache[row] = change(s.d.cache[row])
				refusedOpen(t, s.d, [16]byte{7})
			})
		}
	}
	t.Run("a key that names no branch", func(t *testing.T) {
		s := open(t, newDisk())
		s.d.cache["i123"] = "\x01"
		refusedOpen(t, s.d, [16]byte{7})
	})
	t.Run("another store's directory (P12)", func(t *testing.T) {
		refusedOpen(t, open(t, newDisk()).d, [16]byte{8})
	})
	t.Run("two promises of one key", func(t *testing.T) {
		s := open(t, newDisk())
		s.promise(tx{seq: 1, age: 1}, put("k", strings.Repeat("v", engine.MaxPacked)))
		row := rowOf(t, s.d, "i")
		s.d.cache[row[:len(row)-1]+"x"] = s.d.cache[row]
		refusedOpen(t, s.d, [16]byte{7})
	})
}

// The same events at the same times give the same batches and answers: a simulator can replay them.
func TestDeterministic(t *testing.T) {
	run := func() string {
		s := open(t, newDisk())
		var log string
		for i := uint64(1); i < 60; i++ {
			s.prepare(tx{seq: i, age: 100 - i}, put(fmt.Sprint(i%7), "v"), get(fmt.Sprint(i%5)))
			if i%9 == 0 {
				if s.batch != nil {
					log += fmt.Sprintln(s.batch.Pairs)
				}
				s.sync()
			}
			if i%4 == 0 {
				s.commit(tx{seq: i / 2, age: 100 - i/2})
			}
			if i%10 == 0 {
				s.after(engine.Grace)
			}
			log += fmt.Sprintln(s.order, s.c.InDoubt(), s.c.Locks())
		}
		s.step(&engine.Shut{})
		return log + fmt.Sprintln(s.order)
	}
	if first, second := run(), run(); first != second {
		t.Error("two runs differ")
	}
}

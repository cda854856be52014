package kv

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// line is one line of a dump; Kind says which of the others are set. Fields are only ever added.
type line struct {
	Kind string `json:"kind"` // store, data, in-doubt, lock, committed

	Instance string `json:"instance,omitempty"` // store
	Stamp    uint64 `json:"stamp,omitempty"`    // store

	Key         *string `json:"key,omitempty"` // data, lock: text where it is UTF-8
	KeyBase64   []byte  `json:"key_base64,omitempty"`
	Value       *string `json:"value,omitempty"` // data
	ValueBase64 []byte  `json:"value_base64,omitempty"`

	ID      string   `json:"id,omitempty"`   // in-doubt, committed
	Mark    string   `json:"mark,omitempty"` // 16 hexadecimal digits
	Since   string   `json:"since,omitempty"`
	Members []string `json:"members,omitempty"`
	Settled string   `json:"settled,omitempty"` // in-doubt: committed or aborted, by hand
	Why     string   `json:"why,omitempty"`

	Mode string   `json:"mode,omitempty"` // lock: shared or exclusive
	By   []string `json:"by,omitempty"`   // lock: ids
}

// Dump writes all that a store holds as JSON lines: first the store, then its data by key, its in-doubt branches, the
// locks that they hold, and the branches that provably committed here. It changes nothing, and needs the directory for
// itself: the error wraps txc.ErrBusy while a process has it open, txc.ErrRefused where the files are damaged.
func Dump(dir string, w io.Writer) (err error) {
	release, err := badgerdb.Borrow(dir)
	if err != nil {
		return fmt.Errorf("dump %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, release()) }()
	switch id, err := badgerdb.ReadIdentity(dir); {
	case err != nil:
		return fmt.Errorf("dump %s: %w", dir, err)
	case id.Role != badgerdb.RoleKV:
		return fmt.Errorf("dump: %w: %s belongs to role %s, not to a key-value store", txc.ErrInvalid, dir, id.Role)
	}
	snapshot, err := badgerdb.Inspect(dir, "")
	if err != nil {
		return fmt.Errorf("dump %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	if err := snapshot.CheckHead(); err != nil {
		return fmt.Errorf("dump %s: %w", dir, err)
	}
	from := still{snapshot}
	core, _, err := engine.Open(engine.Options{Look: true}, from)
	if err != nil {
		return fmt.Errorf("dump %s: %w", dir, err)
	}
	return dump(w, core, from)
}

// Dump writes what the package's Dump writes, of an open store, as it is between two batches. The store does nothing
// else meanwhile.
func (s *Store) Dump(ctx context.Context, w io.Writer) error {
	type result struct {
		text bytes.Buffer
		err  error
	}
	done := make(chan *result, 1)
	err := s.look(ctx, func(c *engine.Core) {
		r := &result{}
		r.err = dump(&r.text, c, reader{db: s.db})
		done <- r
	})
	if err != nil {
		return err
	}
	r := <-done
	if r.err != nil {
		return r.err
	}
	if _, err := r.text.WriteTo(w); err != nil {
		return fmt.Errorf("write dump: %w", err)
	}
	return nil
}

// still reads a directory that nobody has open.
type still struct{ s *badgerdb.Snapshot }

func (r still) Get(key []byte) ([]byte, bool, error) {
	v, ok, err := r.s.Get(key)
	return append([]byte(nil), v...), ok, err
}

func (r still) Scan(prefix []byte, f func(key, value []byte) error) error {
	return r.s.Scan(prefix, func(key, value []byte) (bool, error) {
		err := f(key, value)
		return err == nil, err
	})
}

func dump(w io.Writer, core *engine.Core, from engine.Reader) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	m := core.Memory()
	if err := out.Encode(line{Kind: "store", Instance: hex.EncodeToString(m.Instance[:]), Stamp: m.Stamp}); err != nil {
		return fmt.Errorf("write dump: %w", err)
	}
	err := from.Scan(engine.DataKey(nil), func(key, value []byte) error {
		user, ok := engine.UserKey(key)
		if !ok {
			return fmt.Errorf("%w: key %x", txc.ErrRefused, key)
		}
		l := line{Kind: "data"}
		l.Key, l.KeyBase64 = text(user)
		l.Value, l.ValueBase64 = text(value)
		return out.Encode(l)
	})
	if err != nil {
		return fmt.Errorf("dump data: %w", err)
	}
	for _, d := range core.InDoubt() {
		if err := out.Encode(doubtful(d)); err != nil {
			return fmt.Errorf("write dump: %w", err)
		}
	}
	for _, h := range core.Locks() {
		if err := out.Encode(held(h)); err != nil {
			return fmt.Errorf("write dump: %w", err)
		}
	}
	for _, p := range core.Committed(txc.ID{}) {
		if err := out.Encode(line{Kind: "committed", ID: p.ID.String(), Mark: txc.FormatMark(p.Mark)}); err != nil {
			return fmt.Errorf("write dump: %w", err)
		}
	}
	return nil
}

// text gives bytes as text where they are UTF-8, as bytes where not.
func text(b []byte) (*string, []byte) {
	if !utf8.Valid(b) {
		return nil, append([]byte(nil), b...)
	}
	s := string(b)
	return &s, nil
}

func doubtful(d participant.InDoubt) line {
	l := line{
		Kind: "in-doubt", ID: d.ID.String(), Mark: txc.FormatMark(d.Mark),
		Since: d.Since.UTC().Format(time.RFC3339), Members: d.Members, Why: d.Why.Text,
	}
	switch {
	case d.Settled.Applied():
		l.Settled = "committed"
	case d.Settled != 0:
		l.Settled = "aborted"
	}
	return l
}

func held(h engine.Held) line {
	l := line{Kind: "lock", Mode: "shared"}
	if h.Mode == engine.Exclusive {
		l.Mode = "exclusive"
	}
	l.Key, l.KeyBase64 = text(h.Key)
	for _, n := range h.By {
		l.By = append(l.By, n.ID.String())
	}
	return l
}

package badgerdb

import (
	"bytes"
	"slices"
	"strings"
)

// Scan yields the newest value of every key with the prefix, in order, until f says stop.
func (s *Snapshot) Scan(prefix []byte, f func(key, value []byte) (more bool, err error)) error {
	return s.ScanFrom(prefix, prefix, f)
}

// ScanFrom is Scan that begins with the first key that is not below from.
func (s *Snapshot) ScanFrom(prefix, from []byte, f func(key, value []byte) (more bool, err error)) error {
	if bytes.Compare(from, prefix) < 0 {
		from = prefix
	}
	keys, merged := s.memKeys(prefix, from)
	cursors, err := s.cursors(from)
	if err != nil {
		return err
	}
	for {
		var key []byte
		for _, c := range cursors {
			if k, _, _ := splitKey(c.key); !c.done() && (key == nil || bytes.Compare(k, key) < 0) {
				key = k
			}
		}
		if len(keys) > 0 && (key == nil || keys[0] < string(key)) {
			key = []byte(keys[0])
		}
		if key == nil || !bytes.HasPrefix(key, prefix) {
			return nil
		}
		newest := version{}
		if len(keys) > 0 && keys[0] == string(key) {
			newest = merged[keys[0]]
			keys = keys[1:]
		}
		for _, c := range cursors {
			if newest, err = c.pass(key, newest); err != nil {
				return err
			}
		}
		if newest.deleted {
			continue
		}
		if more, err := f(key, newest.value); err != nil || !more {
			return err
		}
	}
}

// pass moves a cursor over all versions of a key, and gives the newest of those and of the one given.
func (c *cursor) pass(key []byte, newest version) (version, error) {
	for !c.done() {
		k, at, _ := splitKey(c.key)
		if !bytes.Equal(k, key) {
			break
		}
		v, err := c.version(at)
		if err != nil {
			return newest, err
		}
		if v.at > newest.at {
			newest = v
		}
		if err := c.next(); err != nil {
			return newest, err
		}
	}
	return newest, nil
}

// memKeys lists the keys of the write-ahead files that Scan is about, in order, with their newest versions.
func (s *Snapshot) memKeys(prefix, from []byte) ([]string, map[string]version) {
	merged := map[string]version{}
	var keys []string
	for _, m := range s.mems {
		for key, v := range m.entries {
			if !strings.HasPrefix(key, string(prefix)) || key < string(from) {
				continue
			}
			old, ok := merged[key]
			if !ok {
				keys = append(keys, key)
			}
			if !ok || old.at <= v.at {
				merged[key] = v
			}
		}
	}
	slices.Sort(keys)
	return keys, merged
}

func (s *Snapshot) cursors(from []byte) ([]*cursor, error) {
	var all []*cursor
	for _, t := range s.tables {
		if last, _, ok := splitKey(t.last); ok && bytes.Compare(last, from) < 0 {
			continue
		}
		c := &cursor{table: t}
		if err := c.seek(from); err != nil {
			return nil, err
		}
		if !c.done() {
			all = append(all, c)
		}
	}
	return all, nil
}

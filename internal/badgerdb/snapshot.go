package badgerdb

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Snapshot is the content of Badger's files that nobody has open, read without changing anything. Keys and values that
// it hands out are valid until Close.
type Snapshot struct {
	dir    string
	lazy   string
	tables []*table
	mems   []*mem // ascending: what is in a later one is newer
	hollow []string

	salvage  bool // take what can be read
	problems []error
}

// version is one value of a key. The newest of all sources counts; of one that is deleted nothing does.
type version struct {
	at      uint64
	deleted bool
	value   []byte
}

// Inspect reads the files of Badger in a data directory that the caller owns. It checks all of their structure, and
// the content of every block that is not of a lazy prefix. Damage is an error that wraps txc.ErrRefused.
func Inspect(dir, lazy string) (*Snapshot, error) {
	s := &Snapshot{dir: filepath.Join(dir, dirBadger), lazy: lazy}
	err := s.load()
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Salvage is Inspect for a directory that was refused: it takes what can be read, and Problems tells the rest. Only who
// can check by himself what belongs together may use it.
func Salvage(dir string) (*Snapshot, error) {
	s := &Snapshot{dir: filepath.Join(dir, dirBadger), salvage: true}
	err := s.load()
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Problems is what Salvage could not read.
func (s *Snapshot) Problems() []error { return s.problems }

// pass lets a problem pass when there is only something to salvage.
func (s *Snapshot) pass(err error) error {
	if err == nil || !s.salvage {
		return err
	}
	s.problems = append(s.problems, err)
	return nil
}

// damaged is the refusal of one file.
func damaged(path, why string, args ...any) error {
	return Refused("%s is damaged: %s; restore the whole data directory from a backup", path, fmt.Sprintf(why, args...))
}

// load reads the files. The order matters only for which damage is reported first.
func (s *Snapshot) load() error {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list %s: %w", s.dir, err)
	}
	there := map[string]int64{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return fmt.Errorf("look at %s: %w", e.Name(), err)
		}
		there[e.Name()] = info.Size()
	}
	if err := s.loadTables(there); err != nil {
		return err
	}
	if err := s.loadMems(); err != nil {
		return err
	}
	if err := s.pass(checkKeyRegistry(filepath.Join(s.dir, "KEYREGISTRY"))); err != nil {
		return err
	}
	for name, size := range there {
		if strings.HasSuffix(name, ".vlog") {
			if err := s.pass(s.checkValueLog(name, size)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Snapshot) loadTables(there map[string]int64) error {
	numbers, err := s.tableNumbers(there)
	if err := s.pass(err); err != nil {
		return err
	}
	if err != nil { // all tables that there are, for want of better knowledge
		for name := range there {
			if n, err := strconv.ParseUint(strings.TrimSuffix(name, ".sst"), 10, 64); err == nil {
				numbers = append(numbers, n)
			}
		}
	}
	for _, n := range numbers {
		t, err := openTable(filepath.Join(s.dir, fmt.Sprintf("%06d.sst", n)))
		if err != nil {
			if err := s.pass(err); err != nil {
				return err
			}
			continue
		}
		t.salvage = s.salvage
		s.tables = append(s.tables, t)
		if err := s.pass(t.check(s.lazy)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Snapshot) tableNumbers(there map[string]int64) ([]uint64, error) {
	path := filepath.Join(s.dir, "MANIFEST")
	if _, ok := there["MANIFEST"]; ok {
		return readManifest(path)
	}
	for name := range there {
		if strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".mem") {
			return nil, Refused("%s is missing, but there is data beside it: restore the whole data directory from a backup", path)
		}
	}
	return nil, nil
}

// loadMems reads the write-ahead files. Only the last one that was used can have been cut short by a crash: the others
// were complete before it was begun.
func (s *Snapshot) loadMems() error {
	numbers, err := memFiles(s.dir)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		path := filepath.Join(s.dir, memName(n))
		m, err := openMem(path)
		if errors.Is(err, errHollow) {
			s.hollow = append(s.hollow, path)
			continue
		}
		if err != nil {
			if err := s.pass(err); err != nil {
				return err
			}
			continue
		}
		s.mems = append(s.mems, m)
	}
	last := len(s.mems) - 1
	for last > 0 && s.mems[last].unused() {
		last--
	}
	for i, m := range s.mems {
		if err := s.pass(m.read(i < last)); err != nil {
			return err
		}
	}
	return nil
}

// checkValueLog checks the little that Badger relies on in a file in which there is never any data.
func (s *Snapshot) checkValueLog(name string, size int64) error {
	path := filepath.Join(s.dir, name)
	if size == 0 {
		s.hollow = append(s.hollow, path)
		return nil
	}
	if _, err := strconv.ParseUint(strings.TrimSuffix(name, ".vlog"), 10, 32); err != nil {
		return Refused("%s is not a file of this directory: move it away", path)
	}
	head := make([]byte, walHead)
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	_, err = file.ReadAt(head, 0)
	if err := errors.Join(err, file.Close()); err != nil {
		return damaged(path, "%v", err)
	}
	if !bytes.Equal(head[:8], make([]byte, 8)) {
		return damaged(path, "it asks for an encryption key")
	}
	return nil
}

// checkKeyRegistry checks that the registry of encryption keys is what Badger writes where there is no encryption.
func checkKeyRegistry(path string) error {
	const random, text = 16, "Hello Badger"
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if len(data) != random+len(text) || string(data[random:]) != text {
		return damaged(path, "unexpected content")
	}
	return nil
}

// Empty tells whether there is nothing at all.
func (s *Snapshot) Empty() bool {
	for _, m := range s.mems {
		if len(m.entries) > 0 {
			return false
		}
	}
	return len(s.tables) == 0
}

// Get reads the newest value of a key.
func (s *Snapshot) Get(key []byte) (value []byte, ok bool, err error) {
	var newest version
	for _, m := range s.mems {
		if v, ok := m.entries[string(key)]; ok && v.at >= newest.at {
			newest = v
		}
	}
	for _, t := range s.tables {
		v, ok, err := t.get(key)
		if err != nil {
			return nil, false, err
		}
		if ok && v.at > newest.at {
			newest = v
		}
	}
	if newest.at == 0 || newest.deleted {
		return nil, false, nil
	}
	return newest.value, true, nil
}

// Close gives the files free.
func (s *Snapshot) Close() error {
	var all error
	for _, m := range s.mems {
		all = errors.Join(all, m.file.close())
	}
	for _, t := range s.tables {
		all = errors.Join(all, t.file.close())
	}
	s.mems, s.tables = nil, nil
	return all
}

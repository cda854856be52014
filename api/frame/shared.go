package frame

import (
	"fmt"
	"slices"

	"github.com/txc-dev/txc"
)

// shared keeps what comes again and again, so that a reader makes each name, text and list of members once. What it
// hands out is shared by many messages and never changed.
type shared struct {
	names map[string]string   // participants; each was checked once
	words map[string]string   // codes and states
	lists map[string][]string // members, by their bytes on the wire
}

func newShared() shared {
	return shared{names: make(map[string]string), words: make(map[string]string), lists: make(map[string][]string)}
}

// name is a participant's; empty stays empty.
func (s *shared) name(f *fields) string {
	b := f.bytes(txc.MaxParticipant)
	if len(b) == 0 {
		return ""
	}
	if known, ok := s.names[string(b)]; ok {
		return known
	}
	name := string(b)
	if err := txc.CheckParticipant(name); err != nil {
		f.fail("%w", err)
		return ""
	}
	if len(s.names) < maxNames {
		s.names[name] = name
	}
	return name
}

// any is a name that nobody has checked.
func (s *shared) any(f *fields) string {
	b := f.raw(looseText)
	if known, ok := s.names[string(b)]; ok {
		return known
	}
	return string(b)
}

// word is one of a small vocabulary: lower-case letters, digits, hyphen and underscore.
func (s *shared) word(f *fields, limit int) string {
	b := f.bytes(limit)
	if known, ok := s.words[string(b)]; ok || len(b) == 0 {
		return known
	}
	for _, c := range b {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			f.fail("%q is not a word", b)
			return ""
		}
	}
	word := string(b)
	if len(s.words) < maxNames {
		s.words[word] = word
	}
	return word
}

// member adds the name where f stands to a list that the caller reuses; list makes one to keep of it.
func (s *shared) member(f *fields, before []string) []string {
	name := s.name(f)
	if f.err != nil {
		return before
	}
	if name == "" || slices.Contains(before, name) || len(before) == txc.MaxBranches {
		f.fail("members: empty, named twice, or more than %d", txc.MaxBranches)
		return before
	}
	return append(before, name)
}

// list gives the one list of these members.
func (s *shared) list(members []string) []string {
	if len(members) == 0 {
		return nil
	}
	var room [512]byte
	key := room[:0]
	for _, m := range members {
		key = append(append(key, m...), 0)
	}
	if known, ok := s.lists[string(key)]; ok {
		return known
	}
	own := slices.Clone(members)
	if len(s.lists) < maxLists {
		s.lists[string(key)] = own
	}
	return own
}

func (s *shared) reason(f *fields) (r txc.Reason) {
	in := f.message()
	for in.next() {
		switch in.num {
		case 1:
			r.Code = txc.Code(s.word(&in, MaxCode))
		case 2:
			r.Text = in.cutText()
		case 3:
			r.Participant = s.name(&in)
		case 4:
			r.Retryable = in.bool()
		}
	}
	f.leave(&in)
	r.Retryable = r.Retryable && r.Code.Known()
	return r
}

func wrong(format string, a ...any) error {
	return fmt.Errorf("%w: frame: %w", txc.ErrInvalid, fmt.Errorf(format, a...))
}

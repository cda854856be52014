package engine

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// ParseIntent reads a promise's row, and WriteIntent writes one.
var ParseIntent = parseIntent

func WriteIntent(n *Intent) []byte { return appendEvidence(appendIntent(nil, n), n.Evidence) }

// ParseMemory reads the memory row, and WriteMemory writes one.
var ParseMemory = parseMemory

func WriteMemory(m *Memory) []byte { return appendMemory(nil, m) }

// Memory is what the memory row says; NewMemory makes one.
type Memory = memory

func NewMemory(m participant.Memory, first, rows uint64) *Memory {
	return &memory{m, first, rows}
}

// LastAgain reads the names of a batch's keys, and writes what it has read.
func LastAgain(b []byte) ([]byte, error) {
	keys, err := parseLast(b)
	pairs := make([]Pair, len(keys))
	for i := range keys {
		pairs[i].Key = keys[i]
	}
	return appendLast(nil, pairs), err
}

// ProofAgain reads a proof, and writes what it has read.
func ProofAgain(b []byte) (txc.Fate, []byte, error) {
	fate, hand, err := parseProof(b)
	row := appendProof(nil, fate)
	if hand {
		row = append(row, byHand)
	}
	return fate, row, err
}

// NameAgain reads the name in a row's key, and writes what it has read.
func NameAgain(key []byte) ([]byte, error) {
	n, err := parseName(key)
	if err != nil {
		return nil, err
	}
	return n.appendTo(key[:1:1]), nil
}

// Items lists what a row of the journal says, and writes it again.
func Items(row []byte) (all []string, again []byte, err error) {
	var j journal
	err = parseItems(row, func(it item) error {
		what := map[itemKind]string{itemPromise: "promise", itemCommitted: "committed", itemGone: "gone"}[it.kind]
		all = append(all, fmt.Sprint(what, " ", it.name.ID.Sequence))
		j.item(it.kind, it.name)
		if it.kind == itemPromise {
			j.row = protowire.AppendBytes(j.row, it.intent)
		}
		return nil
	})
	return all, j.row, err
}

// JournalKey is the key of one row of the journal, and NumberAgain reads one and writes it again.
func JournalKey(number uint64) []byte { return appendJournalKey(nil, number) }

func NumberAgain(key []byte) ([]byte, error) {
	n, err := parseJournalKey(key)
	return appendJournalKey(nil, n), err
}

// Bounds of the journal.
const (
	MaxRow    = maxRow
	MaxItems  = maxItems
	MaxPacked = maxPacked
)

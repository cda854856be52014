package engine

import (
	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// ParseIntent reads a promise's row, and WriteIntent writes one.
var ParseIntent = parseIntent

func WriteIntent(n *Intent) []byte { return appendEvidence(appendIntent(nil, n), n.Evidence) }

// ParseMemory reads the memory row, and WriteMemory writes one.
var ParseMemory = parseMemory

func WriteMemory(m *participant.Memory) []byte { return appendMemory(nil, m) }

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

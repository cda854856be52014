package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/txc-dev/txc/tests/internal/procs"
)

// Told is what one try of a transaction came to.
type Told struct {
	Heard Heard
	ID    string
	Why   string
	Odd   string                  // what should never be told
	Reads map[string][]procs.Read // by participant, of a committed one
	// Replayed: the transaction had committed under its key before, and what it read is gone.
	Replayed bool
}

// Runner runs one transaction to whatever end it can tell.
type Runner interface {
	Run(ctx context.Context, key string, work map[string][]Op) Told
}

// Op is one key-value operation, as a transaction file has it.
type Op struct {
	Put   *KeyValue `json:"put,omitempty"`
	Add   *Add      `json:"add,omitempty"`
	Get   *Key      `json:"get,omitempty"`
	Check *Check    `json:"check,omitempty"`
}

// Operands of the operations.
type (
	Key struct {
		Key string `json:"key"`
	}
	KeyValue struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	}
	Add struct {
		Key string `json:"key"`
		By  int64  `json:"by"`
		Min *int64 `json:"min,omitempty"`
	}
	// Check refuses the branch unless the key has this value; nil: unless it is absent.
	Check struct {
		Key    string  `json:"key"`
		Exists bool    `json:"exists"`
		Value  *string `json:"value,omitempty"`
	}
)

// CheckOf checks that a key still is as it was found.
func CheckOf(r procs.Read) Op {
	if !r.Found {
		return Op{Check: &Check{Key: r.Key}}
	}
	return Op{Check: &Check{Key: r.Key, Exists: true, Value: &r.Value}}
}

// timeout is that of every transaction: short, so that what a killed process leaves behind ends soon.
const timeout = 2 * time.Second

// CLI runs transactions with `txc run -f -`.
type CLI struct {
	Cluster *procs.Cluster
	Speech  Speech
}

// Speech says, for participants that do not take key-value operations, how these are written for them: the name of the part of
// a transaction file, and what stands there.
type Speech map[string]func([]Op) (section string, content any)

// Branch is what a participant is to do, as it stands in a transaction file.
func (s Speech) Branch(participant string, ops []Op) (section string, content any) {
	if write := s[participant]; write != nil {
		return write(ops)
	}
	return "kv", ops
}

type file struct {
	Timeout  string           `json:"timeout"`
	Key      string           `json:"key,omitempty"`
	Branches []map[string]any `json:"branches"`
}

// File is a transaction file for key-value participants.
func File(key string, work map[string][]Op) string { return Speech(nil).File(key, work) }

// File is a transaction file.
func (s Speech) File(key string, work map[string][]Op) string {
	f := file{Timeout: timeout.String(), Key: key}
	for name, ops := range work {
		section, content := s.Branch(name, ops)
		f.Branches = append(f.Branches, map[string]any{"participant": name, section: content})
	}
	text, err := json.Marshal(f)
	if err != nil {
		panic(fmt.Sprintf("a transaction file cannot be written: %v", err))
	}
	return string(text)
}

// Run takes the exit code for the outcome, and compares it with the object.
func (c CLI) Run(ctx context.Context, key string, work map[string][]Op) Told {
	r := procs.RunContext(ctx, c.Cluster.TxcPath(), c.Speech.File(key, work), c.Cluster.Args("run", "-f", "-")...)
	var tx procs.Tx
	told := Told{Why: fmt.Sprintf("txc run: code %d: %s%s", r.Code, r.Stdout, r.Stderr)}
	err := r.JSON(&tx)
	told.ID = tx.ID
	switch {
	case ctx.Err() != nil: // cut off: nothing was said
	case err != nil:
		told.Odd = told.Why
	case r.Code == 0 && tx.Outcome == "committed":
		told.Heard, told.Reads, told.Replayed = Committed, tx.Results, tx.Replayed
	case r.Code == 3 && tx.Outcome == "aborted":
		told.Heard = Aborted
	case r.Code == 5 && tx.Error != nil:
		told.Heard = Aborted // nothing was begun
	case r.Code == 4 && tx.Key != "" && (key == "" || tx.Key == key): // unknown: the key is there to ask by
	default:
		told.Odd = told.Why
	}
	return told
}

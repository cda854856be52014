package participant_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// Toy is the smallest correct adapter: a map in one JSON file, written anew and synced with every change. Work is
// "key=value". It is slow, and it is right: read it beside docs/adapters.md.
type Toy struct {
	mu     sync.Mutex
	path   string
	state  toyState
	closed bool
}

// toyState is all that the store holds. A promise is a lock on its key as well: nothing else needs to be rebuilt (P1).
type toyState struct {
	Memory   participant.Memory
	Values   map[string]string
	Promises map[string]toyPromise // by branch name
	Proofs   map[string]toyProof
}

type toyProof struct {
	participant.Proof
	ByHand bool // proves no decision (C6)
}

type toyPromise struct {
	participant.InDoubt
	Key, Value string
}

// OpenToy opens the store at path, or makes it.
func OpenToy(path string) (*Toy, error) {
	t := &Toy{path: path, state: toyState{
		Values: map[string]string{}, Promises: map[string]toyPromise{}, Proofs: map[string]toyProof{},
	}}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist): // a new store is another instance (P12)
		rand.Read(t.state.Memory.Instance[:])
		return t, t.save(t.state)
	case err != nil:
		return nil, err
	}
	if err := json.Unmarshal(text, &t.state); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return t, t.save(t.state) // write again what will be relied on: it may never have been synced (P10)
}

// save makes a new state durable, then current. After an error nobody knows which one is on the disk: only opening the
// store again tells, so the error says that it has stopped (P11).
func (t *Toy) save(s toyState) error {
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	if err := t.open(); err != nil {
		return err
	}
	if err := t.write(text); err != nil {
		return fmt.Errorf("%w: %w", txc.ErrStopped, err)
	}
	t.state = s
	return nil
}

func (t *Toy) write(text []byte) error {
	file, err := os.Create(t.path + ".new")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(t.path+".new", t.path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(t.path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// changed is a copy of the state to be changed: the current one stays as it is until the new one is durable.
func (t *Toy) changed() toyState {
	s := t.state
	s.Values, s.Promises, s.Proofs = maps.Clone(s.Values), maps.Clone(s.Promises), maps.Clone(s.Proofs)
	return s
}

// Prepare promises to set the key, unless another branch has promised the same.
func (t *Toy) Prepare(ctx context.Context, b participant.Branch, work []byte, joined bool) (participant.Promise, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key, value, ok := strings.Cut(string(work), "=")
	_, promised := t.state.Promises[b.Name()]
	switch {
	case promised && !t.closed:
		return participant.Promise{Vote: txc.Yes}, nil
	case joined || !ok || key == "":
		return no(txc.CodeBadWork, "work is key=value"), nil
	case slices.ContainsFunc(slices.Collect(maps.Values(t.state.Promises)), func(p toyPromise) bool { return p.Key == key }):
		return no(txc.CodeConflict, "another transaction holds "+key), nil
	case ctx.Err() != nil: // the last moment at which it may still abort by itself (P3)
		return no(txc.CodeDeadline, "its time ran out"), nil
	}
	s := t.changed()
	s.Promises[b.Name()] = toyPromise{
		InDoubt: participant.InDoubt{ID: b.ID, Mark: b.Mark, Since: time.Now(), Members: b.Members, Age: b.Age}, Key: key, Value: value,
	}
	if err := t.save(s); err != nil {
		return participant.Promise{}, err
	}
	return participant.Promise{Vote: txc.Yes}, nil
}

func no(code txc.Code, text string) participant.Promise {
	return participant.Promise{Vote: txc.No, Reason: txc.Reason{Code: code, Text: text, Retryable: code.Retryable()}}
}

// Commit sets the key, leaves the proof, and drops the promise, in one durable step. What is not promised is answered
// from proof alone (P7).
func (t *Toy) Commit(_ context.Context, b participant.Branch, _ []byte) (txc.Fate, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, promised := t.state.Promises[b.Name()]
	_, proved := t.state.Proofs[b.Name()]
	switch {
	case promised && p.Settled == txc.AbortedBefore:
		return txc.AbortedBefore, t.open()
	case proved:
		return txc.CommittedBefore, t.open()
	case !promised:
		return txc.NeverPrepared, t.open()
	}
	s := t.changed()
	delete(s.Promises, b.Name())
	apply(s, b, p)
	return txc.CommittedNow, t.save(s)
}

func apply(s toyState, b participant.Branch, p toyPromise) {
	s.Values[p.Key] = p.Value
	s.Proofs[b.Name()] = toyProof{participant.Proof{ID: b.ID, Mark: b.Mark}, p.Settled != 0}
}

// Abort drops the promise, if there is one.
func (t *Toy) Abort(_ context.Context, b participant.Branch, _ []byte) (txc.Fate, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, proved := t.state.Proofs[b.Name()]; proved {
		return txc.CommittedBefore, t.open()
	}
	if p, promised := t.state.Promises[b.Name()]; !promised || p.Settled != 0 {
		return txc.AbortedNow, t.open()
	}
	s := t.changed()
	delete(s.Promises, b.Name())
	return txc.AbortedNow, t.save(s)
}

// Settle does what an operator decided, and keeps what he did beside it until Reconciled (H2).
func (t *Toy) Settle(_ context.Context, b participant.Branch, by participant.Settlement) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, promised := t.state.Promises[b.Name()]
	if !promised || p.Settled != 0 {
		return false, nil
	}
	s := t.changed()
	p.Settled, p.Why = txc.AbortedBefore, txc.Reason{Code: txc.CodeOperator, Text: by.Who + ": " + by.Why}
	if by.Outcome == txc.Committed {
		p.Settled = txc.CommittedBefore
		apply(s, b, p)
	}
	p.Key = "" // its lock is free
	s.Promises[b.Name()] = p
	return true, t.save(s)
}

// Reconciled forgets a settlement.
func (t *Toy) Reconciled(_ context.Context, b participant.Branch) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state.Promises[b.Name()].Settled == 0 {
		return nil
	}
	s := t.changed()
	delete(s.Promises, b.Name())
	return t.save(s)
}

// InDoubt lists promises and settlements, as they were when it began.
func (t *Toy) InDoubt(context.Context) iter.Seq2[participant.InDoubt, error] {
	t.mu.Lock()
	defer t.mu.Unlock()
	promises := t.state.Promises
	return func(yield func(participant.InDoubt, error) bool) {
		for _, name := range slices.Sorted(maps.Keys(promises)) {
			if !yield(promises[name].InDoubt, nil) {
				return
			}
		}
	}
}

// Committed lists proofs from an id on.
func (t *Toy) Committed(_ context.Context, from txc.ID) iter.Seq2[participant.Proof, error] {
	t.mu.Lock()
	defer t.mu.Unlock()
	proofs := t.state.Proofs
	return func(yield func(participant.Proof, error) bool) {
		for _, name := range slices.Sorted(maps.Keys(proofs)) {
			p := proofs[name]
			if p.ID.Compare(from) >= 0 && !p.ByHand && !yield(p.Proof, nil) {
				return
			}
		}
	}
}

// Forget drops proofs that nobody can ask for any more (P5).
func (t *Toy) Forget(_ context.Context, below txc.ID, but []txc.ID) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.changed()
	maps.DeleteFunc(s.Proofs, func(_ string, p toyProof) bool {
		return p.ID.Coordinator == below.Coordinator && p.ID.Compare(below) < 0 && !slices.Contains(but, p.ID)
	})
	return t.save(s)
}

// Recall reads the notebook.
func (t *Toy) Recall(context.Context) (participant.Memory, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state.Memory, nil
}

// Remember writes it; the identity stays.
func (t *Toy) Remember(_ context.Context, m participant.Memory) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.changed()
	s.Memory.Seen = m.Seen
	return t.save(s)
}

// Check has nothing to find: the store has no settings.
func (t *Toy) Check(context.Context) (participant.Report, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return participant.Report{Kind: "toy", Version: "1", Instance: t.state.Memory.Instance, InDoubt: uint64(len(t.state.Promises))}, t.open()
}

// Close has nothing to write: every change is on the disk.
func (t *Toy) Close(context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	return nil
}

// open is an error after Close: a closed store knows no votes and no fates.
func (t *Toy) open() error {
	if t.closed {
		return txc.ErrClosed
	}
	return nil
}

// Value reads a key, as anybody may who does not mind that it can change at once.
func (t *Toy) Value(key string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state.Values[key]
}

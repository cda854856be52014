package staged

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
)

// Limits of what waits for the broker.
const (
	DefaultTimeout = 5 * time.Second  // Options.Timeout
	againMin       = time.Second      // the first pause before what an operator settled is published again
	againMax       = 30 * time.Second // the longest
)

// Options of Open. The zero value of a field means its default.
type Options struct {
	Cluster, Name string        // whose store it is; both are needed
	Address       string        // told to whoever finds the directory in use
	Logger        *slog.Logger  // default: none
	Timeout       time.Duration // Validate and Publish may take this long; default DefaultTimeout
	MinFree       uint64        // bytes of free disk below which nothing is promised; default: the key-value store's
	Ballast       int64         // bytes kept to finish with on a full disk; default: the key-value store's, negative: none
}

// Store is a broker as a participant: a participant.Resource and a participant.Stamper. All methods are safe for
// concurrent use on different branches.
type Store struct {
	kv     *kv.Store
	broker Broker
	o      Options

	taken progress

	settling sync.Mutex    // what an operator settled is handed over one by one
	wake     chan struct{} // something settled waits
	stop     context.CancelFunc
	ended    sync.WaitGroup
	closer   sync.Mutex
}

// Open opens the store in a directory, or makes it, and takes the broker over, which Close closes: also when Open fails.
// The error wraps txc.ErrRefused where the content is not what it should be, txc.ErrBusy where another process has it
// open, txc.ErrInvalid for bad options.
func Open(ctx context.Context, dir string, broker Broker, o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Timeout < 0 {
		return nil, errors.Join(fmt.Errorf("open staging store: %w: timeout %v", txc.ErrInvalid, o.Timeout), broker.Close(ctx))
	}
	store, err := kv.Open(ctx, dir, kv.Options{
		Cluster: o.Cluster, Name: o.Name, Address: o.Address, Logger: o.Logger, MinFree: o.MinFree, Ballast: o.Ballast, Opaque: true,
	})
	if err != nil {
		return nil, errors.Join(err, broker.Close(ctx))
	}
	s := &Store{kv: store, broker: broker, o: o, wake: make(chan struct{}, 1)}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.ended.Go(func() { s.handOverSettled(running) })
	return s, nil
}

// Prepare validates the messages and stores them: Yes means that they are durable here. Nobody else sees them.
func (s *Store) Prepare(ctx context.Context, b participant.Branch, work []byte, joined bool) (participant.Promise, error) {
	switch there, err := s.kv.Work(ctx, b); {
	case ctx.Err() != nil: // the store below finds the words for it
	case err != nil:
		return participant.Promise{}, err
	case there == nil && !joined: // a promise is never denied by what has become of the broker since
		if why := s.validate(ctx, b, work); !why.IsZero() {
			return participant.Promise{Vote: txc.No, Reason: why}, nil
		}
	}
	return s.kv.Prepare(ctx, b, work, joined)
}

func (s *Store) validate(ctx context.Context, b participant.Branch, work []byte) txc.Reason {
	all, err := messages(b, work)
	if err != nil {
		return reason(txc.CodeBadWork, "%v", err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	why, err := s.broker.Validate(ctx, all)
	if err != nil {
		return reason(txc.CodeUnreachable, "the broker could not be asked: %v", err)
	}
	return why
}

func reason(code txc.Code, format string, args ...any) txc.Reason {
	return txc.Reason{Code: code, Text: fmt.Sprintf(format, args...), Retryable: code.Retryable()}
}

// Commit publishes what the branch has promised, and removes the promise, with its proof, once the broker has acknowledged
// it. An error of the broker leaves the promise as it is: Commit is to be called again.
func (s *Store) Commit(ctx context.Context, b participant.Branch, evidence []byte) (txc.Fate, error) {
	work, err := s.publish(ctx, b)
	if err != nil {
		return 0, fmt.Errorf("commit %s: %w", b.ID, err)
	}
	fate, err := s.kv.Commit(ctx, b, evidence)
	if err == nil && work && fate == txc.CommittedBefore { // by an operator
		err = s.kv.Shed(ctx, b)
	}
	if err == nil {
		s.taken.forget(b)
	}
	return fate, err
}

// publish publishes what the store has for a branch, and the broker has not; false: there is nothing. However little the broker
// takes in the time that it is given, in the end it has all, each message once.
func (s *Store) publish(ctx context.Context, b participant.Branch) (found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	taken, err := s.taken.enter(ctx, b)
	if err != nil {
		return false, err
	}
	defer func() { s.taken.leave(b, taken) }()
	work, err := s.kv.Work(ctx, b) // asked for last: what was forgotten is not here any more
	if err != nil {
		return false, err
	}
	if work == nil {
		taken = 0
		return false, nil
	}
	all, err := messages(b, work)
	if err != nil {
		return true, fmt.Errorf("%w: what was promised cannot be read: %w", txc.ErrRefused, err)
	}
	if taken == len(all) {
		return true, nil
	}
	n, err := s.broker.Publish(ctx, all[taken:])
	if taken += n; err != nil {
		return true, fmt.Errorf("publish: %d of %d messages are the broker's: %w", taken, len(all), err)
	}
	return true, nil
}

// Abort drops what the branch has promised.
func (s *Store) Abort(ctx context.Context, b participant.Branch, evidence []byte) (txc.Fate, error) {
	fate, err := s.kv.Abort(ctx, b, evidence)
	if err == nil {
		s.taken.forget(b)
	}
	return fate, err
}

// InDoubt yields promised and settled branches, by id.
func (s *Store) InDoubt(ctx context.Context) iter.Seq2[participant.InDoubt, error] {
	return s.kv.InDoubt(ctx)
}

// Committed yields the branches at or above from that provably committed, by id.
func (s *Store) Committed(ctx context.Context, from txc.ID) iter.Seq2[participant.Proof, error] {
	return s.kv.Committed(ctx, from)
}

// Forget drops proofs below the watermark.
func (s *Store) Forget(ctx context.Context, below txc.ID, but []txc.ID) error {
	return s.kv.Forget(ctx, below, but)
}

// Recall reads the notebook.
func (s *Store) Recall(ctx context.Context) (participant.Memory, error) { return s.kv.Recall(ctx) }

// Remember writes the witnesses.
func (s *Store) Remember(ctx context.Context, m participant.Memory) error {
	return s.kv.Remember(ctx, m)
}

// Stamp is the store's last durable stamp (P12).
func (s *Store) Stamp() uint64 { return s.kv.Stamp() }

// Check tells how store and broker are. A broker that does not answer is a warning: what is promised is not in it.
func (s *Store) Check(ctx context.Context) (participant.Report, error) {
	r, err := s.kv.Check(ctx)
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	of, err := s.broker.Report(ctx)
	r.Kind, r.Version, r.Locks = of.Kind, of.Version, 0
	r.Capabilities = append([]string{"shipped", "stamp", "witness", "settle", "at-least-once"}, of.Capabilities...)
	r.Findings = append(r.Findings, of.Findings...)
	if err != nil {
		r.Findings = append(r.Findings, participant.Finding{
			Name: of.Kind + "-unreachable", Severity: "warn", Text: fmt.Sprintf("the broker could not be asked: %v", err),
		})
	}
	return r, nil
}

// Close ends what runs, and closes store and broker. Promises stay. Twice is fine.
func (s *Store) Close(ctx context.Context) error {
	s.closer.Lock()
	defer s.closer.Unlock()
	s.stop()
	s.ended.Wait()
	return errors.Join(s.kv.Close(ctx), s.broker.Close(ctx))
}

var (
	_ participant.Resource = (*Store)(nil)
	_ participant.Stamper  = (*Store)(nil)
)

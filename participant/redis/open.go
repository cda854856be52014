package redis

import (
	"context"
	crand "crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/txc-dev/txc"
)

// Bounds of what has no deadline of its own.
const (
	connectLimit = 5 * time.Second  // to make a connection
	answerLimit  = 10 * time.Second // for one answer
	finishLimit  = 15 * time.Second // a deed that finishes, lists or notes
	openLimit    = 15 * time.Second // a server that is starting up, or coming back, is waited for
	openEvery    = 100 * time.Millisecond
)

// format is that of the keys; an older program leaves a newer format alone.
const format = 1

// Store is one participant's place in a Redis database. It is a participant.Resource and keeps a stamp; all methods are
// safe for concurrent use.
type Store struct {
	o           Options
	db          *driver.Client
	incarnation string
	instance    string        // of the database, in hexadecimal digits
	stamp       atomic.Uint64 // the highest that the database has told
	closed      atomic.Bool
}

// Open connects to a database by its address (redis://user@host:port/0, rediss:// for TLS), makes the participant's
// notebook where it is missing, and keeps whoever opened it before from promising anything more (P10). The error wraps
// txc.ErrInvalid for bad options, txc.ErrRefused for a server in cluster mode and for what a newer program made.
func Open(ctx context.Context, address string, o Options) (*Store, error) {
	o, err := o.complete()
	if err != nil {
		return nil, fmt.Errorf("open redis: %w", err)
	}
	c, err := driver.ParseURL(address)
	if err != nil { // its text may have the password
		return nil, fmt.Errorf("open redis: %w: the address is not redis://user@host:port/0, or rediss:// for TLS", txc.ErrInvalid)
	}
	if o.Password != "" {
		c.Password = o.Password
	}
	c.Protocol, c.DisableIdentity = 2, true
	c.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	c.MaxRetries = -1 // an answer that was lost is looked for, here
	c.DialTimeout, c.ReadTimeout, c.WriteTimeout, c.PoolTimeout = connectLimit, answerLimit, answerLimit, answerLimit
	c.DialerRetries = 1
	c.ContextTimeoutEnabled = true
	c.PoolSize, c.MaxActiveConns = o.Connections, o.Connections
	s := &Store{o: o, db: driver.NewClient(c), incarnation: draw()}
	ctx, cancel := context.WithTimeout(ctx, openLimit)
	defer cancel()
	if err := s.open(ctx); err != nil {
		return nil, fmt.Errorf("open redis: %w%s", err, s.shut())
	}
	return s, nil
}

// draw makes 16 random bytes, in hexadecimal digits.
func draw() string {
	var b [16]byte
	crand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// open waits for a server that is not there yet, or still loads, which it may begin to between two requests; what it refuses
// is an error at once.
func (s *Store) open(ctx context.Context) error {
	tick := time.NewTicker(openEvery)
	defer tick.Stop()
	var last error // what the server, or the way to it, said: more than that the time is over
	for {
		err := s.reach(ctx)
		if err == nil || errors.Is(err, txc.ErrRefused) || answered(err) && !strings.HasPrefix(err.Error(), "LOADING") {
			return err
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return last
		}
	}
}

// reach makes this process the last to have opened. Repeated, it does the same once more.
func (s *Store) reach(ctx context.Context) error {
	facts, err := s.facts(ctx)
	if err != nil {
		return err
	}
	if facts["cluster_enabled"] == "1" {
		return fmt.Errorf("%w: the server is in cluster mode: a branch's keys, locks and promise must be in one place; use a server without it", txc.ErrRefused)
	}
	r, err := s.evaluate(ctx, opening, []string{s.key("memory")}, draw(), s.incarnation, format)
	switch {
	case err != nil:
		return err
	case r.word == "refused":
		return fmt.Errorf("%w: the keys txc:* are of format %s: made by a newer txc", txc.ErrRefused, r.text(0))
	}
	s.instance = r.text(0)
	return nil
}

// key names one of the participant's own keys.
func (s *Store) key(what string) string { return "txc:" + what + "/" + s.o.Cluster + "/" + s.o.Name }

// Stamp is the last one that the database has told (P12).
func (s *Store) Stamp() uint64 { return s.stamp.Load() }

// Close ends the connections. Promises stay in the database.
func (s *Store) Close(context.Context) error {
	if s.closed.Swap(true) {
		return nil
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close redis: %w", err)
	}
	return nil
}

// shut closes what Open could not open, and says so if that fails, too.
func (s *Store) shut() string {
	if err := s.Close(context.Background()); err != nil {
		return "; " + err.Error()
	}
	return ""
}

// deed bounds one deed, and refuses it after Close.
func (s *Store) deed(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if s.closed.Load() {
		return ctx, func() {}, fmt.Errorf("redis: %w", txc.ErrClosed)
	}
	ctx, cancel := context.WithTimeout(ctx, finishLimit)
	return ctx, cancel, nil
}

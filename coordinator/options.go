package coordinator

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/txc-dev/txc"
)

// Options of a coordinator. Zero values mean the default.
type Options struct {
	Timeout      time.Duration // of a transaction that names none; default txc.DefaultTimeout
	MaxTimeout   time.Duration // the most that a transaction may ask for; default txc.DefaultMaxTimeout, at most txc.MaxTimeout
	MaxLive      int           // transactions at once; default 100,000
	MaxQueue     int           // branches per participant that are undecided or unacknowledged; default 16,384 (C10)
	RetryMin     time.Duration // Commit is repeated on a link that is up; default 1 s, doubling, full jitter
	RetryMax     time.Duration // default 5 s
	OrphanEvery  time.Duration // default 30 s (C9)
	PresumeAfter time.Duration // default 1 min; negative: for ever (C6)
	HistorySpan  time.Duration // how long keyed records are kept; default 168 h (C11)
	AskFor       time.Duration // how long Open asks participants for their witnesses; default 1 s (C6)
	Seed         uint64        // of the jitter; default drawn
	Software     string        // version, for people

	Logger *slog.Logger
	Now    func() time.Time // the shell's clock; default time.Now
	Gate   func(Step) error // sees every action and completion of the shell: tracing, failpoints; nil costs one check
}

// Bounds of the options.
const (
	maxMaxLive  = 4_000_000
	maxMaxQueue = 1_000_000
	minRetry    = time.Millisecond
)

func (o Options) withDefaults() (Options, error) {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Timeout, txc.DefaultTimeout)
	def(&o.MaxTimeout, txc.DefaultMaxTimeout)
	def(&o.RetryMin, time.Second)
	def(&o.RetryMax, 5*time.Second)
	def(&o.OrphanEvery, 30*time.Second)
	def(&o.PresumeAfter, time.Minute)
	def(&o.HistorySpan, 168*time.Hour)
	def(&o.AskFor, time.Second)
	if o.MaxLive == 0 {
		o.MaxLive = 100_000
	}
	if o.MaxQueue == 0 {
		o.MaxQueue = 16_384
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	switch {
	case o.MaxTimeout < 0 || o.MaxTimeout > txc.MaxTimeout:
		return o, fmt.Errorf("%w: maximum timeout %v: use more than 0 and at most %v", txc.ErrInvalid, o.MaxTimeout, txc.MaxTimeout)
	case o.Timeout < 0 || o.Timeout > o.MaxTimeout:
		return o, fmt.Errorf("%w: timeout %v: use more than 0 and at most the maximum, %v", txc.ErrInvalid, o.Timeout, o.MaxTimeout)
	case o.MaxLive < 0 || o.MaxLive > maxMaxLive:
		return o, fmt.Errorf("%w: %d transactions at once: use 1 to %d", txc.ErrInvalid, o.MaxLive, maxMaxLive)
	case o.MaxQueue < 0 || o.MaxQueue > maxMaxQueue:
		return o, fmt.Errorf("%w: a queue of %d branches: use 1 to %d", txc.ErrInvalid, o.MaxQueue, maxMaxQueue)
	case o.RetryMin < minRetry || o.RetryMax < o.RetryMin:
		return o, fmt.Errorf("%w: retries from %v to %v: use at least %v", txc.ErrInvalid, o.RetryMin, o.RetryMax, minRetry)
	case o.OrphanEvery < 0 || o.HistorySpan < 0 || o.AskFor < 0:
		return o, fmt.Errorf("%w: a time below 0", txc.ErrInvalid)
	}
	return o, nil
}

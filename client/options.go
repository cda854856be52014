package client

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
)

// TxOption says how a transaction is to run.
type TxOption func(*settings)

type settings struct {
	begin   frame.Begin
	decided bool
	err     error
}

// Key makes the transaction repeatable across processes: whoever runs the same under the same key, within the
// coordinator's history, gets the first outcome. At most txc.MaxKey bytes of UTF-8. The work must be the same too.
func Key(key string) TxOption { return func(s *settings) { s.begin.Key = key } }

// Timeout bounds the time from begin to decision, retries included; default txc.DefaultTimeout.
func Timeout(d time.Duration) TxOption {
	return func(s *settings) {
		if s.begin.Timeout = d; d <= 0 {
			s.err = txc.Refuse(txc.ErrInvalid, txc.CodeBadTimeout, fmt.Sprintf("timeout %v: use more than 0", d))
		}
	}
}

// Label is for people: what the transaction is about. It stands in lists, and with the decision in the log.
func Label(name, value string) TxOption {
	return func(s *settings) {
		if s.begin.Labels == nil {
			s.begin.Labels = map[string]string{}
		}
		s.begin.Labels[name] = value
	}
}

// WaitDecided has Commit return as soon as the decision is durable. Without it Commit waits until every branch has
// applied it, so that the caller reads its own writes everywhere.
func WaitDecided() TxOption { return func(s *settings) { s.decided = true } }

func settle(options []TxOption) (settings, error) {
	s := settings{}
	for _, o := range options {
		o(&s)
	}
	if s.begin.Key == "" {
		s.begin.Key, s.begin.OwnKey = "own-"+strings.ToLower(rand.Text()), true
	}
	if s.err == nil {
		if refusal := frame.Check(s.begin); refusal != nil {
			s.err = refusal
		}
	}
	return s, s.err
}

// timeout is the transaction's own bound.
func (s *settings) timeout() time.Duration {
	if s.begin.Timeout == 0 {
		return txc.DefaultTimeout
	}
	return s.begin.Timeout
}

// patience is how long answers are waited for: the time until the decision, as long again for applying it, and a while
// for a coordinator that starts again.
func (s *settings) patience() time.Duration { return 2*s.timeout() + restart }

const restart = 5 * time.Second

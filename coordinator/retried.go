package coordinator

import (
	"time"

	"github.com/txc-dev/txc/wal"
)

// retried remembers the client library's keys whose requests were sent again, for as long as they are answered. The
// first request of such a key may still be under way: a connection that broke for its client delivers what it has when
// the network lets it. First requests are not looked up in the log (C11), so this alone tells that it is late.
type retried struct {
	keys  map[string]bool
	order fifo[retriedKey]
}

type retriedKey struct {
	key string
	at  time.Time
}

func (r *retried) has(key string) bool { return r.keys[key] }

// add remembers a key, and forgets those whose time is over; false: there is no room.
func (r *retried) add(key string, now time.Time) bool {
	for !r.order.empty() && now.Sub(r.order.peek().at) > wal.OwnKeySpan {
		delete(r.keys, r.order.pop().key)
	}
	switch {
	case r.keys[key]:
		return true
	case len(r.keys) >= maxRetried:
		return false
	case r.keys == nil:
		r.keys = map[string]bool{}
	}
	r.keys[key] = true
	r.order.push(retriedKey{key, now})
	return true
}

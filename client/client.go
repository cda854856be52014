package client

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/rpc"
)

// MaxCoordinators bounds the addresses of one Client.
const MaxCoordinators = 64

// Options of a Client. Zero values mean the default.
type Options struct {
	Software string        // name and version of the program, shown to the coordinator
	DialWait time.Duration // how long Dial waits for a coordinator to be reached; 0: it does not, and calls wait for theirs
}

// Client runs transactions at one or several coordinators.
type Client struct {
	seats []seat
}

// seat is one coordinator.
type seat struct {
	address string
	caller  *rpc.Caller
}

// Dial makes a client of the coordinators at these addresses (host:port), each of another number. It connects in the
// background and again whenever a connection is lost. The error wraps txc.ErrInvalid, or txc.ErrUnavailable where
// nobody was reached within Options.DialWait.
func Dial(addresses []string, o Options) (*Client, error) {
	addresses = slices.Compact(slices.Sorted(slices.Values(addresses)))
	if len(addresses) == 0 || len(addresses) > MaxCoordinators {
		return nil, fmt.Errorf("%w: %d addresses of coordinators: use 1 to %d", txc.ErrInvalid, len(addresses), MaxCoordinators)
	}
	c := &Client{}
	for _, a := range addresses {
		caller, err := rpc.NewCaller(a, o.Software)
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		c.seats = append(c.seats, seat{a, caller})
	}
	if o.DialWait > 0 {
		if err := c.reach(o.DialWait); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// reach waits until one coordinator is reached.
func (c *Client) reach(wait time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	errs := make([]error, len(c.seats))
	var all sync.WaitGroup
	for i, s := range c.seats {
		all.Go(func() {
			if errs[i] = s.caller.Wait(ctx); errs[i] == nil {
				cancel() // one is enough: the others need not wait
			}
		})
	}
	all.Wait()
	if slices.Contains(errs, nil) {
		return nil
	}
	return errs[0]
}

// Close ends all connections. Calls that wait hear that their outcome is unknown. Every goroutine has ended when it
// returns; twice is fine.
func (c *Client) Close() error {
	var errs []error
	for _, s := range c.seats {
		errs = append(errs, s.caller.Close())
	}
	return errors.Join(errs...)
}

// seatOf finds the coordinator of a key: always the same one among the same addresses, in whatever order they are given;
// when an address is added or taken away only the keys that must move do.
func (c *Client) seatOf(key string) *rpc.Caller {
	best, high := 0, uint64(0)
	for i, s := range c.seats {
		h := fnv.New64a()
		_, _ = h.Write([]byte(s.address)) // never fails
		_, _ = h.Write([]byte{0})
		_, _ = h.Write([]byte(key))
		if sum := mix(h.Sum64()); i == 0 || sum > high {
			best, high = i, sum
		}
	}
	return c.seats[best].caller
}

// mix spreads what the hash left near: addresses differ in a digit.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

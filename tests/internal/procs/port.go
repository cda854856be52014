package procs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Listening ports are taken from here: below 32768, where the kernel's range for outgoing connections begins, so that
// no connection is made from the port of a server that is down.
const (
	lowestPort  = 12000
	highestPort = 31000
)

var taken struct {
	sync.Mutex
	ports map[int]bool
}

// FreeAddress is FindAddress for a test, which ends without one.
func FreeAddress(t testing.TB) string {
	t.Helper()
	address, err := FindAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// FindAddress is a loopback address that nobody listens on, and that this process gives out once.
func FindAddress() (string, error) {
	taken.Lock()
	defer taken.Unlock()
	if taken.ports == nil {
		taken.ports = map[int]bool{}
	}
	for range 1000 {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if taken.ports[port] {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			return "", fmt.Errorf("free %s again: %w", address, err)
		}
		taken.ports[port] = true
		return address, nil
	}
	return "", errors.New("no free port on the loopback interface")
}

package nats_test

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/txc-dev/txc/participant/nats"
)

// C10: a connection whose peer takes nothing any more is over with the first write that was late, however little it had to say:
// the next one does not wait as long again.
func TestALateWriteEndsTheConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := nats.Dial(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	write := func(n int, limit time.Duration) error {
		if err := c.SetWriteDeadline(time.Now().Add(limit)); err != nil {
			return err
		}
		_, err := c.Write(make([]byte, n))
		return err
	}
	for err = nil; err == nil; { // nobody accepts, and so nobody reads
		err = write(64, 50*time.Millisecond)
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if err := write(64, time.Minute); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after a write that was late: %v", err)
	}
}

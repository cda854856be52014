package network

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/suite"
)

// share is how many of the datagrams sent arrive.
type share uint8

const (
	none share = iota
	some
	all
)

func (s share) holds(arrived, sent int) bool {
	switch s {
	case none:
		return arrived == 0
	case all:
		return arrived == sent
	default:
		return 0 < arrived && arrived < sent
	}
}

// controls say what each pattern does to what the coordinator and the victim send each other: that a cut is one is known
// before anything is concluded from it. What is about TCP alone lets datagrams pass.
var controls = map[string]struct{ toVictim, fromVictim share }{
	"everyone alone":            {none, none},
	"coordinator unplugged":     {none, none},
	"coordinator hears nothing": {all, none},
	"coordinator is not heard":  {none, all},
	"participant alone":         {none, none},
	"participant hears nothing": {none, all},
	"participant is not heard":  {all, none},
	"flapping":                  {some, some},
	"resets":                    {all, all},
	"random loss":               {some, some},
	"slow line":                 {some, some}, // the others are late, or find its queue full
	"late, twice, out of order": {all, all},
}

func TestTroubleIsAsItSays(t *testing.T) {
	suite.Need(t, Check())
	for _, c := range drawCells(suite.Seed(t, *seed), min(*size, suite.CI)) {
		p := c.pattern
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			want, ok := controls[p.name]
			if !ok {
				t.Fatal("nobody has said what it does")
			}
			l := New(t, coordinatorHost, tellerHost, victim)
			a, b := peers(t, l)
			trouble := p.make(l, victim, 1)
			if err := trouble.begin(); err != nil {
				t.Fatal(err)
			}
			to, from := a.talk(t, b, 1)
			if _, err := trouble.end(); err != nil {
				t.Fatal(err)
			}
			if late, ok := trouble.(*late); ok && (slices.IsSorted(to) || late.repeated == 0 || len(unique(to)) == len(to)) {
				t.Errorf("nothing overtook, or nothing came twice: %d repeated, %v", late.repeated, to)
			}
			if to, from := unique(to), unique(from); !want.toVictim.holds(len(to), datagrams) || !want.fromVictim.holds(len(from), datagrams) {
				t.Errorf("%d datagrams arrive at the victim, %d from it, of %d", len(to), len(from), datagrams)
			}
			if to, from := a.talk(t, b, 2); len(to) != datagrams || len(from) != datagrams {
				t.Errorf("afterwards %d and %d datagrams arrive, of %d", len(to), len(from), datagrams)
			}
		})
	}
}

// Datagrams, and how long the last one is waited for.
const (
	datagrams    = 60
	datagramSize = 200                   // too much in all for a slow line
	sendEvery    = 25 * time.Millisecond // in all longer than a flap
	lastArrival  = 2 * latest
)

// peer is a socket on a host.
type peer struct {
	conn net.PacketConn
	addr net.Addr
}

func peers(t *testing.T, l *Lab) (a, b peer) {
	t.Helper()
	open := func(name string) peer {
		h := l.host(name)
		var p peer
		if err := inside(h.namespace, func() (err error) {
			p.conn, err = net.ListenPacket("udp4", net.JoinHostPort(h.address, servicePort))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := p.conn.Close(); err != nil {
				t.Error(err)
			}
		})
		p.addr = p.conn.LocalAddr()
		return p
	}
	return open(coordinatorHost), open(victim)
}

// talk sends numbered datagrams both ways, and says which arrived, in that order. Numbers begin where the round before has
// ended: what a queue somewhere has kept of that one does not count.
func (p peer) talk(t *testing.T, q peer, round int) (to, from []int) {
	t.Helper()
	first := round * datagrams
	heard := make(chan error, 2)
	for _, one := range []struct {
		at    peer
		heard *[]int
	}{{q, &to}, {p, &from}} {
		if err := one.at.conn.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		go func() { heard <- one.at.hear(first, one.heard) }()
	}
	tick := time.NewTicker(sendEvery)
	defer tick.Stop()
	for n := range datagrams {
		// An error is trouble too: no route, no carrier.
		_, _ = p.conn.WriteTo(fmt.Appendf(nil, "%-*d", datagramSize, first+n), q.addr)
		_, _ = q.conn.WriteTo(fmt.Appendf(nil, "%-*d", datagramSize, first+n), p.addr)
		<-tick.C
	}
	until := time.Now().Add(lastArrival)
	if err := errors.Join(p.conn.SetReadDeadline(until), q.conn.SetReadDeadline(until), <-heard, <-heard); err != nil {
		t.Fatal(err)
	}
	return to, from
}

func (p peer) hear(first int, numbers *[]int) error {
	buffer := make([]byte, 2*datagramSize)
	for {
		n, _, err := p.conn.ReadFrom(buffer)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		number, bad := strconv.Atoi(string(bytes.TrimSpace(buffer[:n])))
		if err = errors.Join(err, bad); err != nil {
			return err
		}
		if number >= first {
			*numbers = append(*numbers, number)
		}
	}
}

func unique(numbers []int) []int { return slices.Compact(slices.Sorted(slices.Values(numbers))) }

// What a run that was killed has left, the next one removes; what belongs to one that lives, it leaves alone.
func TestReaper(t *testing.T) {
	suite.Need(t, Check())
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	dead, living := fmt.Sprintf("%s%d-1-router", prefix, gone.Process.Pid), fmt.Sprintf("%s%d-0-router", prefix, os.Getpid())
	for _, ns := range []string{dead, living} {
		if _, err := run("", "ip", "netns", "add", ns); err != nil {
			t.Fatal(err)
		}
	}
	reapDead(t)
	if _, err := os.Stat(namespaceFile(dead)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dead, err)
	}
	if _, err := run("", "ip", "netns", "del", living); err != nil {
		t.Errorf("%s is gone: %v", living, err)
	}
}

package network

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// Whoever has lost a peer knocks at its door about once a second, as long as it takes: so it is found within about a
// second of its return. Seen at the router, where no knock gets through.
const (
	knocksFor  = 10 * time.Second
	knockEvery = 1100 * time.Millisecond
	// slack is what a busy machine may add to a pause.
	slack = 300 * time.Millisecond
)

func TestWhoLostAPeerKnocksEverySecond(t *testing.T) {
	suite.Need(t, Check())
	if *size == suite.Small {
		t.Skipf("not run: listens for %v: with -size ci", knocksFor)
	}
	for _, row := range []struct{ name, what string }{
		{"and hears nothing", drop},
		{"and is refused", refuse},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l := New(t, coordinatorHost, tellerHost, victim)
			cut := ruled{l, []rule{{what: row.what}}}
			c := apart(t, l, cut)
			began := time.Now()
			knocks, err := l.knocks(began.Add(knocksFor))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := cut.end(); err != nil {
				t.Fatal(err)
			}
			for _, way := range [][2]string{{coordinatorHost, victim}, {victim, coordinatorHost}, {tellerHost, coordinatorHost}} {
				longest := longestPause(began, knocks[way])
				t.Logf("%s knocked %d times at %s, after pauses of at most %v", way[0], len(knocks[way]), way[1], longest.Round(time.Millisecond))
				if longest > knockEvery+slack {
					t.Errorf("%s did not knock at %s for %v", way[0], way[1], longest.Round(time.Millisecond))
				}
			}
			if _, err := campaign.Settle(t.Context(), c, time.Now(), wholeLimit); err != nil {
				t.Error(err)
			}
		})
	}
}

// apart starts a cluster, whose participant is registered, in a network that is cut already.
func apart(t *testing.T, l *Lab, cut trouble) *procs.Cluster {
	t.Helper()
	c := procs.PlaceCluster(t, []string{victim}, l.Place).From(l.Place(tellerHost))
	if err := c.StartAll(); err != nil {
		t.Fatal(err)
	}
	if err := campaign.Registered(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	c.KillAll()
	if err := cut.begin(); err != nil {
		t.Fatal(err)
	}
	startTeller(t, l.Place(tellerHost), c.Coordinator.Address)
	if err := c.StartAll(); err != nil {
		t.Fatal(err)
	}
	return c
}

func longestPause(began time.Time, knocks []time.Time) time.Duration {
	last, longest := began, time.Duration(0)
	for _, at := range append(knocks, began.Add(knocksFor)) {
		last, longest = at, max(longest, at.Sub(last))
	}
	return longest
}

// knocks are the attempts to connect that reach the router until then, by who knocks where: packets with SYN alone.
func (l *Lab) knocks(until time.Time) (map[[2]string][]time.Time, error) {
	names := map[string]string{}
	for _, h := range l.hosts {
		names[h.address] = h.name
	}
	const ip = syscall.ETH_P_IP<<8 | syscall.ETH_P_IP>>8 // in network order
	fd := -1
	if err := inside(l.router, func() (err error) {
		fd, err = syscall.Socket(syscall.AF_PACKET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, ip)
		return err
	}); err != nil {
		return nil, err
	}
	defer func() { _ = syscall.Close(fd) }() // it only listens
	wait := syscall.NsecToTimeval((100 * time.Millisecond).Nanoseconds())
	if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &wait); err != nil {
		return nil, err
	}
	all := map[[2]string][]time.Time{}
	packet := make([]byte, 128)
	for time.Now().Before(until) {
		n, _, err := syscall.Recvfrom(fd, packet, 0)
		if err == syscall.EAGAIN || err == syscall.EINTR {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("listen at the router: %w", err)
		}
		const tcp, flags, syn, ack = 6, 13, 0x02, 0x10
		header := int(packet[0]&0xf) * 4
		if n < header+flags+1 || packet[9] != tcp || packet[header+flags]&(syn|ack) != syn {
			continue
		}
		way := [2]string{names[address(packet[12:16])], names[address(packet[16:20])]}
		all[way] = append(all[way], time.Now())
	}
	return all, nil
}

func address(b []byte) string { return fmt.Sprintf("%d.%d.%d.%d", b[0], b[1], b[2], b[3]) }

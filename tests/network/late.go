package network

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/florianl/go-nfqueue/v2"
)

// latest bounds how late a packet is: uniformly drawn, so that packets overtake each other. One in repeatOne comes twice.
const (
	latest    = 200 * time.Millisecond
	repeatOne = 5
)

// late is a network in which every packet is late, some come twice, and they overtake each other: the router hands each
// to this program, and forwards it when this program says so.
//
//	FORWARD ─▶ queue ─▶ taken ─┬─ later: accept ─▶ forwarded
//	                           └─ later: a raw socket in the router's namespace ─▶ forwarded once more
type late struct {
	lab *Lab

	cancel context.CancelFunc
	queue  *nfqueue.Nfqueue
	raw    int // socket

	mu       sync.Mutex // guards what follows
	rng      *rand.Rand
	taken    int // packets
	highest  int // number of the last that was sent on
	overtook int // packets that were sent on after a later one
	repeated int
	over     bool // nothing goes through the queue any more
	err      error
	pending  sync.WaitGroup // packets that have not been sent on
}

func newLate(l *Lab, seed uint64) *late {
	return &late{lab: l, raw: -1, rng: rand.New(rand.NewPCG(seed, 1))}
}

func (l *late) begin() error {
	namespace, err := os.Open(namespaceFile(l.lab.router))
	if err != nil {
		return err
	}
	defer func() { l.note(namespace.Close()) }()
	if l.raw, err = l.rawSocket(); err != nil {
		return err
	}
	l.queue, err = nfqueue.Open(&nfqueue.Config{
		NetNS: int(namespace.Fd()), NfQueue: 1, MaxPacketLen: 0xffff, MaxQueueLen: 8192, Copymode: nfqueue.NfQnlCopyPacket,
		WriteTimeout: time.Second,
	})
	if err != nil {
		return fmt.Errorf("take packets from the router: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	if err := l.queue.RegisterWithErrorFunc(ctx, l.take, l.failed); err != nil {
		return fmt.Errorf("take packets from the router: %w", err)
	}
	_, err = l.lab.forward(rule{what: toQueue})
	return err
}

// take gets each packet, in one goroutine.
func (l *late) take(a nfqueue.Attribute) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return 0
	}
	l.taken++
	number, id := l.taken, *a.PacketID
	l.pending.Add(1)
	time.AfterFunc(l.delay(), func() {
		defer l.pending.Done()
		l.note(l.queue.SetVerdict(id, nfqueue.NfAccept))
		l.sent(number)
	})
	if a.Payload != nil && l.rng.IntN(repeatOne) == 0 {
		l.pending.Add(1)
		time.AfterFunc(l.delay(), func() {
			defer l.pending.Done()
			l.repeat(*a.Payload)
		})
	}
	return 0
}

// failed hears what the kernel says against verdicts.
func (l *late) failed(err error) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over { // else: with its rule, the kernel has dropped what waited in the queue
		l.err = errors.Join(l.err, err)
	}
	return 0
}

func (l *late) delay() time.Duration { return time.Duration(l.rng.Int64N(int64(latest))) }

func (l *late) sent(number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number < l.highest {
		l.overtook++
	}
	l.highest = max(l.highest, number)
}

// repeat sends a packet a second time, as it came.
func (l *late) repeat(packet []byte) {
	const header = 20
	if len(packet) < header || packet[0]>>4 != 4 {
		l.note(fmt.Errorf("a packet that is not IPv4: %x", packet))
		return
	}
	to := &syscall.SockaddrInet4{Addr: [4]byte(packet[16:header])}
	err := syscall.Sendto(l.raw, packet, 0, to)
	l.note(err)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.repeated++
}

func (l *late) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = errors.Join(l.err, err)
}

// end counts what was late, if all three things have happened.
func (l *late) end() (int, error) {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	_, err := l.lab.forward()
	l.pending.Wait()
	if l.cancel != nil {
		l.cancel()
	}
	if l.queue != nil {
		err = errors.Join(err, l.queue.Close())
	}
	if l.raw >= 0 {
		err = errors.Join(err, syscall.Close(l.raw))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.overtook == 0 || l.repeated == 0 {
		return 0, errors.Join(err, l.err)
	}
	return l.taken, errors.Join(err, l.err)
}

// rawSocket is a socket in the router's namespace that sends whole packets.
func (l *late) rawSocket() (fd int, err error) {
	err = inside(l.lab.router, func() error {
		fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.IPPROTO_RAW)
		return err
	})
	if err != nil {
		return -1, fmt.Errorf("a socket of the router's: %w", err)
	}
	return fd, nil
}

package coordinator_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// office is a whole coordinator, with its goroutines, over a log in memory; the participants are fakes behind links.
type office struct {
	t    testing.TB
	o    coordinator.Options
	disk *mem.Disk
	log  *mem.Log
	c    *coordinator.Coordinator
	mark uint64
	wg   sync.WaitGroup // of links
	low  atomic.Bool    // the disk is nearly full

	mu    sync.Mutex
	fakes map[string]*fake
	links map[string]*desk
	made  int // links
	full  bool
	shut  error // of the dialer
	check func(ctx context.Context) (coordinator.Report, error)
}

// newOffice opens a coordinator, and registers participants that answer at once.
func newOffice(t testing.TB, o coordinator.Options, names ...string) *office {
	t.Helper()
	f := &office{t: t, o: o, disk: mem.NewDisk(), mark: 0x70, fakes: map[string]*fake{}, links: map[string]*desk{}}
	for i, name := range names {
		f.fakes[name] = newFake(name, byte(i+1))
	}
	f.open()
	for _, name := range names {
		f.register(name)
	}
	return f
}

func (f *office) open() {
	f.t.Helper()
	if err := f.tryOpen(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

func (f *office) tryOpen(ctx context.Context) error {
	f.t.Helper()
	f.mark++
	log, rec, err := mem.Open(f.disk, mem.Options{Cluster: "test", Number: 1, Mark: f.mark, Now: time.Now})
	if err != nil {
		f.t.Fatal(err)
	}
	f.log = log
	f.c, err = coordinator.Open(ctx, roomLog{log, &f.low}, rec, f.dial, f.o)
	return err
}

// roomLog is a log on a disk that a test can fill.
type roomLog struct {
	*mem.Log
	low *atomic.Bool
}

func (l roomLog) Room() (uint64, bool) {
	if l.low.Load() {
		return 5, true
	}
	return l.Log.Room()
}

func (f *office) close() {
	f.t.Helper()
	if err := f.c.Close(context.Background()); err != nil {
		f.t.Error(err)
	}
	f.wg.Wait()
	if err := f.log.Close(context.Background()); err != nil && !errors.Is(err, txc.ErrStopped) {
		f.t.Error(err)
	}
}

// register waits until the participant is heard.
func (f *office) register(name string) {
	f.t.Helper()
	f.mu.Lock()
	p := f.fakes[name]
	f.mu.Unlock()
	if _, err := f.c.Register(f.t.Context(), coordinator.Peer{Name: name, Address: "desk", Instance: p.instance, Incarnation: p.incarnation}); err != nil {
		f.t.Fatal(err)
	}
	f.until(func() bool {
		for _, p := range f.participants() {
			if p.Name == name {
				return p.State == "heard"
			}
		}
		return false
	})
}

func (f *office) participants() []coordinator.Participant {
	f.t.Helper()
	all, err := f.c.Participants(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

// until asks again and again; each question goes through the owner, so it gives others time.
func (f *office) until(done func() bool) {
	f.t.Helper()
	for n := 0; !done(); n++ {
		if n > 200_000 {
			f.t.Fatal("it does not come to pass")
		}
		f.flush()
		if _, err := f.c.Status(f.t.Context()); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *office) flush() {
	f.t.Helper()
	if err := f.log.Flush(); err != nil {
		f.t.Fatal(err)
	}
}

// with changes a fake's script.
func (f *office) with(name string, change func(*fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f.fakes[name])
}

func (f *office) dial(p coordinator.Peer, receive func(bool, []coordinator.Message)) (coordinator.Link, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.shut != nil {
		return nil, f.shut
	}
	d := &desk{f: f, name: p.Name, receive: receive, wake: make(chan struct{}, 1), quit: make(chan struct{})}
	f.links[p.Name] = d
	f.made++
	f.wg.Go(d.serve)
	return d, nil
}

// desk is a link to a fake.
type desk struct {
	f       *office
	name    string
	receive func(bool, []coordinator.Message)
	wake    chan struct{}
	quit    chan struct{}
	once    sync.Once

	mu    sync.Mutex
	queue []protocol.Message
}

var errNoDesk = errors.New("nobody there")

func (d *desk) serve() {
	d.receive(true, nil)
	for {
		select {
		case <-d.quit:
			return
		case <-d.wake:
		}
		d.mu.Lock()
		batch := d.queue
		d.queue = nil
		d.mu.Unlock()
		if replies := d.hear(batch); len(replies) > 0 {
			d.receive(true, replies)
		}
	}
}

func (d *desk) hear(batch []protocol.Message) (replies []protocol.Message) {
	d.f.mu.Lock()
	defer d.f.mu.Unlock()
	p := d.f.fakes[d.name]
	if p == nil || p.deaf {
		return nil
	}
	for _, m := range batch {
		replies = append(replies, p.hear(d.f.t, m)...)
	}
	return replies
}

func (d *desk) Send(batch []coordinator.Message) bool {
	d.f.mu.Lock()
	full := d.f.full
	d.f.full = false
	d.f.mu.Unlock()
	if full {
		return false
	}
	d.mu.Lock()
	d.queue = append(d.queue, batch...)
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
	return true
}

func (d *desk) Check(ctx context.Context) (coordinator.Report, error) {
	d.f.mu.Lock()
	check := d.f.check
	d.f.mu.Unlock()
	if check != nil {
		return check(ctx)
	}
	return coordinator.Report{Kind: "fake"}, nil
}

func (d *desk) InDoubt(ctx context.Context) ([]coordinator.InDoubt, error) {
	d.f.mu.Lock()
	defer d.f.mu.Unlock()
	if d.f.fakes[d.name].deaf {
		return nil, errNoDesk
	}
	return d.f.fakes[d.name].page("").InDoubt, nil
}

func (d *desk) Close() error {
	d.once.Do(func() { close(d.quit) })
	return nil
}

func historyOf[B wal.Body](f *office) (all []wal.Record) {
	f.t.Helper()
	for rec, err := range f.log.History(f.t.Context()) {
		if err != nil {
			f.t.Fatal(err)
		}
		if _, ok := rec.Body.(B); ok {
			all = append(all, rec)
		}
	}
	return all
}

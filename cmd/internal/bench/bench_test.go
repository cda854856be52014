package bench

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc"
)

func TestAClosedLoopCountsWhatSucceeded(t *testing.T) {
	n := 0
	s, err := closed(t.Context(), 1, 100*time.Millisecond, func(context.Context, int) error {
		if n++; n%2 == 0 {
			return fmt.Errorf("conflict: %w", txc.ErrAborted)
		}
		return nil
	}, nothing)
	if err != nil || len(s.latencies) == 0 || s.aborted == 0 || len(s.latencies) > n || s.rate() <= 0 {
		t.Errorf("%d deeds: %d counted, %d aborted, %v", n, len(s.latencies), s.aborted, err)
	}
	broken := errors.New("broken")
	if _, err := closed(t.Context(), 3, time.Second, func(context.Context, int) error { return broken }, nothing); !errors.Is(err, broken) {
		t.Errorf("a run that breaks says %v", err)
	}
}

// An open loop does not wait for whoever has not answered, and blames a stall on all that were due meanwhile.
func TestAnOpenLoopSendsByTheClock(t *testing.T) {
	release := make(chan struct{})
	time.AfterFunc(150*time.Millisecond, func() { close(release) })
	s, err := open(t.Context(), 1000, 100*time.Millisecond, func(context.Context, int) error { <-release; return nil })
	if err != nil || len(s.latencies) != 100 || s.at(0) < 40 || s.at(1) < 140 {
		t.Errorf("%d counted, the fastest took %.0f ms, the slowest %.0f ms: %v", len(s.latencies), s.at(0), s.at(1), err)
	}
}

func TestQuantiles(t *testing.T) {
	s := &sample{span: 2 * time.Second}
	for i := range 100 {
		s.latencies = append(s.latencies, time.Duration(i+1)*time.Millisecond)
	}
	if s.at(0.5) != 51 || s.at(0.99) != 100 || s.at(1) != 100 || s.rate() != 50 {
		t.Errorf("p50 %v, p99 %v, max %v, rate %v", s.at(0.5), s.at(0.99), s.at(1), s.rate())
	}
	if (&sample{span: time.Second}).at(0.5) != 0 {
		t.Error("a quantile of nothing")
	}
}

func TestEchoFrames(t *testing.T) {
	var b []byte
	for _, m := range []string{"a", "", "ccc"} {
		b = appendMessage(b, []byte(m))
	}
	var got []string
	n, err := messages(b, func(m []byte) { got = append(got, string(m)) })
	if n != 3 || err != nil || strings.Join(got, "|") != "a||ccc" {
		t.Errorf("%d %q %v", n, got, err)
	}
	if _, err := messages(b[:len(b)-1], func([]byte) {}); err == nil {
		t.Error("half a message was read")
	}
}

func TestAChartIsWellFormed(t *testing.T) {
	c := &Chart{Title: "a < b", X: "x", Y: "y", Lines: []Line{{"one", []Point{{1, 5}, {64, 950}, {4096, 20}}}, {"none", nil}}}
	d := xml.NewDecoder(strings.NewReader(c.SVG()))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, c.SVG())
		}
	}
	if _, top := c.bounds(); top != 1000 {
		t.Errorf("the axis ends at %v", top)
	}
}

func TestInProcess(t *testing.T) {
	r, err := RunInProcess(t.Context(), Options{
		Dir: t.TempDir(), Participants: 2, Clients: []int{1, 20}, Waits: []string{"decided"}, Duration: 100 * time.Millisecond, Rounds: 1, Progress: io.Discard,
	})
	if err != nil || len(r.Rows) != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, row := range r.Rows {
		if row.TxPerS <= 0 || row.LogPerS <= 0 || row.RatioLog <= 0 || row.CPU <= 0 {
			t.Errorf("a row is empty: %+v", row)
		}
	}
}

func TestBadOptions(t *testing.T) {
	good := Options{Participants: 2, Clients: []int{1}, Waits: []string{"decided"}, Duration: time.Second, Rounds: 1, Workload: "noop", InFlight: 1}
	if wrong := good.Check(); wrong != "" {
		t.Fatal(wrong)
	}
	for name, spoil := range map[string]func(*Options){
		"participants": func(o *Options) { o.Participants = 33 }, "clients": func(o *Options) { o.Clients = []int{0} },
		"wait": func(o *Options) { o.Waits = []string{"never"} }, "duration": func(o *Options) { o.Duration = 0 },
		"rounds": func(o *Options) { o.Rounds = 0 }, "workload": func(o *Options) { o.Workload = "hard" }, "rate": func(o *Options) { o.Rate = -1 }, "in-flight": func(o *Options) { o.InFlight = 0 },
	} {
		o := good
		spoil(&o)
		if wrong := o.Check(); !strings.Contains(wrong, name) {
			t.Errorf("%s: %q", name, wrong)
		}
	}
}

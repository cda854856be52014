package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// trouble is something wrong with a network. begin makes it wrong; end makes the network whole again, and says how many
// packets met the trouble: of none, nothing was proved. Each is called once, end also where begin has failed.
type trouble interface {
	begin() error
	end() (met int, err error)
}

// rule is a line of the router's forwarding table.
type rule struct {
	from, to string // addresses; none: any
	what     string // the rest of the line, in iptables' words
}

func (r rule) String() string {
	line := "-A FORWARD"
	if r.from != "" {
		line += " -s " + r.from
	}
	if r.to != "" {
		line += " -d " + r.to
	}
	return line + " " + r.what + "\n"
}

// both are a rule for each direction of a host's traffic.
func both(h host, what string) []rule {
	return []rule{{from: h.address, what: what}, {to: h.address, what: what}}
}

// forward gives the router other rules, all at once, and says how many packets the ones before have met.
func (l *Lab) forward(rules ...rule) (met int, err error) {
	before, err := run("", "ip", "netns", "exec", l.router, "iptables-save", "-c", "-t", "filter")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(before) { // [packets:bytes] -A FORWARD …
		count, rest, _ := strings.Cut(strings.TrimPrefix(line, "["), ":")
		if !strings.Contains(rest, "-A FORWARD") {
			continue
		}
		n, err := strconv.Atoi(count)
		if err != nil {
			return 0, fmt.Errorf("a rule's counter: %q: %w", line, err)
		}
		met += n
	}
	table := "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n"
	for _, r := range rules {
		table += r.String()
	}
	_, err = run(table+"COMMIT\n", "ip", "netns", "exec", l.router, "iptables-restore")
	return met, err
}

// ruled is trouble that rules make.
type ruled struct {
	lab   *Lab
	rules []rule
}

func (r ruled) begin() error {
	_, err := r.lab.forward(r.rules...)
	return err
}

func (r ruled) end() (int, error) { return r.lab.forward() }

// flapping is trouble that comes and goes.
type flapping struct {
	ruled
	every time.Duration

	stop chan struct{}
	wg   sync.WaitGroup
	met  int
	err  error
}

func (f *flapping) begin() error {
	f.stop = make(chan struct{})
	if err := f.ruled.begin(); err != nil {
		return err
	}
	f.wg.Go(f.flap)
	return nil
}

// flap owns met and err until it has ended.
func (f *flapping) flap() {
	tick := time.NewTicker(f.every)
	defer tick.Stop()
	for there := false; ; there = !there {
		select {
		case <-tick.C:
		case <-f.stop:
			return
		}
		rules := f.rules
		if !there {
			rules = nil
		}
		met, err := f.lab.forward(rules...)
		f.met += met
		f.err = errors.Join(f.err, err)
	}
}

func (f *flapping) end() (int, error) {
	close(f.stop)
	f.wg.Wait()
	met, err := f.lab.forward()
	return f.met + met, errors.Join(f.err, err)
}

// unplugged is a host whose cable is out.
type unplugged struct {
	lab  *Lab
	host host
}

func (u unplugged) begin() error { return u.set("down") }

func (u unplugged) set(state string) error {
	_, err := run("", "ip", "-n", u.lab.router, "link", "set", u.host.link, state)
	return err
}

// end counts no packets: the host's end of the cable says whether it is out.
func (u unplugged) end() (int, error) {
	carrier, err := run("", "ip", "netns", "exec", u.host.namespace, "cat", "/sys/class/net/wire/carrier")
	met := 0
	if strings.TrimSpace(carrier) == "0" {
		met = 1
	}
	return met, errors.Join(err, u.set("up"))
}

// slow is a host behind a line of a kilobyte per second, each way.
type slow struct {
	lab  *Lab
	host host
}

// end of the line, and who is at the other.
type lineEnd struct{ namespace, device, other string }

func (s slow) ends() []lineEnd {
	return []lineEnd{{s.lab.router, s.host.link, s.host.address}, {s.host.namespace, "wire", s.host.gateway}}
}

func (s slow) begin() error {
	for _, end := range s.ends() {
		if err := errors.Join(end.limit(), end.fill()); err != nil {
			return err
		}
	}
	return nil
}

// limit lets a packet at a time through a device: a longer burst would take in a whole transaction, a shorter one let
// nothing pass.
func (e lineEnd) limit() error {
	_, err := run("", "tc", "-n", e.namespace, "qdisc", "add", "dev", e.device, "root", "tbf", "rate", "8kbit", "burst", "1600", "latency", "5s")
	return err
}

// fill sends that one packet, which nobody wants: whatever comes next is late already.
func (e lineEnd) fill() error {
	return inside(e.namespace, func() error {
		conn, err := net.Dial("udp4", net.JoinHostPort(e.other, "9"))
		if err != nil {
			return err
		}
		_, err = conn.Write(make([]byte, 1450))
		return errors.Join(err, conn.Close())
	})
}

// end counts the packets that had to wait.
func (s slow) end() (met int, err error) {
	for _, end := range s.ends() {
		said, bad := run("", "tc", "-n", end.namespace, "-s", "-j", "qdisc", "show", "dev", end.device)
		var found []struct {
			Overlimits int `json:"overlimits"`
		}
		if bad == nil {
			bad = json.Unmarshal([]byte(said), &found)
		}
		for _, q := range found {
			met += q.Overlimits
		}
		_, gone := run("", "tc", "-n", end.namespace, "qdisc", "del", "dev", end.device, "root")
		err = errors.Join(err, bad, gone)
	}
	return met, err
}

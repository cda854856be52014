package network

import "time"

// pattern is one kind of trouble.
type pattern struct {
	name string
	// spares: it concerns the victim's line alone, so that whatever does not need the victim goes on (V19).
	spares bool
	make   func(l *Lab, victim string, seed uint64) trouble
}

// coordinatorHost is the coordinator's; others are named as the participants are.
const coordinatorHost = "coordinator"

// What becomes of packets, in iptables' words.
const (
	drop      = "-j DROP"
	loseSome  = "-m statistic --mode random --probability 0.3 -j DROP"
	resetSome = "-p tcp -m statistic --mode random --probability 0.25 -j REJECT --reject-with tcp-reset"
	refuse    = "-p tcp -j REJECT --reject-with tcp-reset"
	toQueue   = "-j NFQUEUE --queue-num 1"
)

// flapEvery is how long the network is cut, and whole, when it flaps.
const flapEvery = time.Second

// patterns of trouble, in the order of the report.
var patterns = []pattern{
	{"everyone alone", false, func(l *Lab, _ string, _ uint64) trouble {
		return ruled{l, []rule{{what: drop}}}
	}},
	{"coordinator unplugged", false, func(l *Lab, _ string, _ uint64) trouble {
		return unplugged{l, l.host(coordinatorHost)}
	}},
	{"coordinator hears nothing", false, func(l *Lab, _ string, _ uint64) trouble {
		return ruled{l, []rule{{to: l.host(coordinatorHost).address, what: drop}}}
	}},
	{"coordinator is not heard", false, func(l *Lab, _ string, _ uint64) trouble {
		return ruled{l, []rule{{from: l.host(coordinatorHost).address, what: drop}}}
	}},
	{"participant alone", true, func(l *Lab, victim string, _ uint64) trouble {
		return ruled{l, both(l.host(victim), drop)}
	}},
	{"participant hears nothing", true, func(l *Lab, victim string, _ uint64) trouble {
		return ruled{l, []rule{{to: l.host(victim).address, what: drop}}}
	}},
	{"participant is not heard", true, func(l *Lab, victim string, _ uint64) trouble {
		return ruled{l, []rule{{from: l.host(victim).address, what: drop}}}
	}},
	{"flapping", false, func(l *Lab, _ string, _ uint64) trouble {
		return &flapping{ruled: ruled{l, []rule{{what: drop}}}, every: flapEvery}
	}},
	{"resets", true, func(l *Lab, victim string, _ uint64) trouble {
		return ruled{l, both(l.host(victim), resetSome)}
	}},
	{"random loss", false, func(l *Lab, _ string, _ uint64) trouble {
		return ruled{l, []rule{{what: loseSome}}}
	}},
	{"slow line", true, func(l *Lab, victim string, _ uint64) trouble {
		return slow{l, l.host(victim)}
	}},
	{"late, twice, out of order", false, func(l *Lab, _ string, seed uint64) trouble {
		return newLate(l, seed)
	}},
}

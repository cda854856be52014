// Package network proves what the protocol promises when the network breaks. The programs themselves run on hosts of
// their own, which are network namespaces around a router; all that goes wrong is done at the router.
//
//	  teller             coordinator        bank-a   bank-b   bank-c (the victim)
//	10.77.4.2             10.77.0.2           │        │        │
//	     │                    │               │        │        │        a namespace each,
//	     └──────────── router ┴───────────────┴────────┴────────┘        a veth pair each
//	                     │
//	   iptables: drop, drop at random, reset · NFQUEUE: delay, repeat, reorder · tbf: slow · link down
//
// A cell is one pattern of trouble in one phase of a transaction. The process whose step the phase is stops itself there
// (a failpoint), the trouble begins, the process goes on: so the network breaks neither sooner nor later, and that it did
// break is read from the router's counters. Then other transfers are tried, the network is made whole, and within
// 5 seconds nothing may be in doubt, and transactions over everybody must commit again. At the end the stores are
// compared with what the clients were told.
//
//	go test ./tests/network                              two cells
//	go test ./tests/network -size ci -seed 7             twelve: each pattern once, each phase at least once
//	go test ./tests/network -size all                    every pattern in every phase
//
// It needs root, ip, tc and iptables, and leaves nothing behind: what an earlier run that was killed has left, the next
// one removes.
package network

// Package histories runs transactions from many clients at once against processes that are killed, stopped and broken at
// failpoints, writes down what every client did and was told, and proves of the whole that it was strictly serializable.
//
//	bank workers ────┐                                       ┌──▶ bank's book ──▶ audit of the stores' dumps
//	list workers ────┼──▶ watched ──▶ txc run, package client ──▶ recorder: begin, end, reads, what was heard
//	observers ───────┘ key, id: what became of it?           │      │
//	    ▲                                                    │      ├──▶ history.Check: cycles, G0 to real-time
//	    │                                                    │      └──▶ porcupine: a decision never changes
//	campaign: SIGKILL, SIGSTOP, failpoints ──▶ coordinator, three to five participants
//
// A list is a value of a key: its elements in decimal, with a blank between them. A worker reads some lists in one
// transaction, and in another checks that all of them are unchanged, and puts some back with an element more. So every
// committed append is a read as well, and a promise that holds for reads too is what keeps write skew out. Beside each
// list another participant counts its elements, with blind adds: whoever reads both sees them agree.
//
// A judge that never convicts is worth nothing. The controls are participants that are broken on purpose, in one way
// each: the schedules and the workload that run over them must yield the anomalies that this way leads to, and the same
// schedules over sound participants none.
package histories

// Package coordinatord is one coordinator as a process, or as a part of one: a log in a directory, the coordinator that
// decides by it, and the address where clients, participants and operators reach it.
//
//	listen ─▶ own and recover the log ─▶ recover the coordinator ─▶ serve ─▶ ready
//	                                                                  │
//	SIGTERM: refuse new transactions, wait for the undecided, answer, close, 0
//	a log that cannot be written, another owner: stop at once, 9
package coordinatord

// Package bench measures committed transactions per second, their latency and their cost, beside the floors of the same
// machine in the same run: absolute figures change with the machine and its neighbours, ratios hardly.
//
//	this process: load ── client library ──▶ coordinator ──▶ participant 1 … n     processes of their own
//	                 └─── bare gRPC ────────▶ echo                                 another one: a floor
//	                 └─── bare fdatasync, bare Badger                               in this process: floors
//
//	each round:  for each number of clients: unary echo calls, then transactions      the ratio is of neighbours in time
//	report:      medians over the rounds, as a table, as JSON, as pictures
//
// Throughput is measured closed-loop (each client sends its next when the last is answered), latency also open-loop
// (sent by the clock at a fixed rate, measured from when it should have been sent).
package bench

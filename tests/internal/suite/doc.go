// Package suite is what the layers of the fault-injection suite share: how much of a campaign a run does, the seed that
// its draws come from, what happens where a tool is missing, and the figures that a layer hands in.
//
//	go test ./tests/crash                        -size small: a look, within seconds
//	go test ./tests/crash -size ci -seed 7       what CI runs
//	go test ./tests/crash -size all              everything there is
//
//	a layer's test ──▶ suite.Report ──▶ $TXC_REPORTS/<layer>.json ──▶ the campaign's summary
//
// It depends on the standard library alone, so that the simulation may use it.
package suite

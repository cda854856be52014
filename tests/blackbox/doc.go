// Package blackbox judges the built programs by what people and scripts see of them: flags, JSON, exit codes, ready
// lines, and what the participants' stores hold in the end.
//
//	campaign_test.go   transfers at random, any process killed at any time, an audit of all money
//	dead_test.go       one participant away for long: nothing grows with the transactions that pass it by
//	load_test.go       everything killed at once amid thousands of transactions per second
//	restart_test.go    10,000 in doubt on top of a long history: serving at once, settled soon after
//	input_test.go      bad input: one line that says what to do, the right exit code, nothing lost
//	ratio_test.go      transactions per second over bare gRPC calls per second (-ratio)
//
// By flag: -size, -seed, -kills 300, -race-binaries, -history 1000000, -ratio.
package blackbox

// Package procs runs the project's programs as processes, for tests that see nothing but what people and scripts see:
// flags, JSON, exit codes, ready lines.
//
//	Main(m) ── builds once ──▶ txc, participant-demo (and -race with -race-binaries)
//	   │
//	Server ── Start ──▶ process ── first line of stdout: ready ──▶ same address at every later Start
//	   │       Kill: SIGKILL by pid; Stop: SIGTERM, then SIGKILL
//	   └─ its log, over all its lives, in one file; shown when the test fails
//	Txc ── one command ──▶ exit code, stdout, stderr, the JSON object
//
// Everything has a time limit, every process ends with its test, and none outlives the test program: the kernel kills
// it with its parent. Ports are taken below the range that outgoing connections use, so that nothing else can sit on an
// address while its server is down.
package procs

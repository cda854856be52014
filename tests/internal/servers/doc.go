// Package servers runs the servers of real stores for tests: each in a temporary directory, on a free loopback port, with the
// settings that its adapter asks for, ended with its test.
//
//	Postgres(t) ── initdb ──▶ a directory ── postgres ──▶ 127.0.0.1:port
//	   │                       kept over Kill and Start    as an unprivileged user where the test is root
//	   └─ Kill: SIGKILL to the server and to each of its processes, at once
//
// The system's own clusters and services are neither used nor touched. A server that is not installed is
// suite.ErrMissing: the test is skipped, and fails in CI.
package servers

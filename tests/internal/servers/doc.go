// Package servers runs the servers of real stores, for tests and for playing: each in a temporary directory, on a free
// loopback port, with the settings that its adapter asks for, ended with its test or its program.
//
//	Postgres(t)          for a test, which ends it         ┐            ┌─ init, once ──▶ a directory, kept over Kill and Start
//	StartPostgres() ───▶ for a program, which closes it    ┴▶ Server ───┼─ start ───────▶ a process on 127.0.0.1:port, as an
//	                                                          (a shape) │                 unprivileged user where root is refused
//	                                                                    └─ ready ───────▶ until it takes connections
//	Kill: SIGKILL to the server and all below it, at once       Stop: SIGTERM       Close: Kill, and the directory is removed
//
// A kind of server is a shape: what is different about it. The system's own clusters and services are neither used nor
// touched; the NATS server is a tool of this module, built once into Go's cache. A server that is not installed is suite.ErrMissing: the test is skipped, and fails in CI.
package servers

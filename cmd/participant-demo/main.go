// Command participant-demo is one participant as a process: a key-value store, or a database, that takes part in
// transactions.
//
//	participant-demo --name bank-a --store kv:/var/lib/bank-a --coordinator 127.0.0.1:7400
//	PGPASSWORD=… participant-demo --name orders --store postgres://app@127.0.0.1/orders --coordinator 127.0.0.1:7400
//
// The first line on stdout says where it listens. It ends cleanly on SIGTERM; with --dump it writes what its store holds
// and ends. Its switches --deny, --delay, --stall and --forget make it misbehave.
package main

import "github.com/txc-dev/txc/cmd/internal/console"

func main() { console.Main(run) }

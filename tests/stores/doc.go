// Package stores proves the adapters of real servers, each against its server: the cases of resourcetest, the mistakes that
// others made, and transfers while servers and participants are killed.
//
//	go test ./tests/stores                  every adapter, and a few kills
//	go test ./tests/stores -kills 60        more of them; -seed N: the same draws again
//
// Brokers are rows of one table (broker_test.go): messages come, in order, if and only if their transaction committed.
//
// What payments need of a kind of store while all is killed is a shop (market_test.go).
//
//	servers.Postgres, MariaDB ◀── SQL ── participant/postgres, mysql   in this process, or as participant-demo under a coordinator
//	        ▲
//	        └── by ourselves: what is there, and what is prepared
package stores

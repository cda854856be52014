// Command servers starts a real server of each kind of store, to play with: in temporary directories, on free loopback ports,
// with the settings that the adapters ask for. It is the kit of the tests (tests/internal/servers), as a program.
//
//	go run ./tests/servers [-only postgres,redis] [-coordinator 127.0.0.1:7400]
//
// It prints, for each, the address, the password, and a participant-demo that makes a participant of it; and ends all of them,
// and removes what they wrote, on Ctrl-C. A kind that is not installed is said and left out.
package main

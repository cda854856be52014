// Package fuzz runs every fuzz target of the module for a while, and knows which decoder each of them reads with.
//
//	the tree ──▶ func Fuzz…            every target
//	        └──▶ func Parse…, Decode…  every function that makes something of bytes or text
//	                  │
//	                  ▼
//	            the table here         a decoder without a target fails the test, and so does a row that names what is not there
//
// The targets live beside what they read, in the package's own tests, where `go test` reads their seeds each time. A find
// is kept where the go tool puts it: testdata/fuzz/<target> beside the test, under a name that says what it was.
//
//	go test ./tests/fuzz                    the table alone: the seeds are read with every go test
//	go test ./tests/fuzz -size ci -v        FuzzCore and seven more, drawn by -seed, for three seconds each
//	go test ./tests/fuzz -size all -v       every target for minutes
//	go test ./tests/fuzz -size all -only FuzzCore
package fuzz

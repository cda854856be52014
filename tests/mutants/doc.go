// Package mutants proves that the tests look at the right things: each patch beside this file is a small mistake in the
// shipped source, of the kind that the rule it names forbids, and the tests that it names must fail with it.
//
//	reply-before-logged.patch          rule: C1        the rule that the mistake breaks
//	                                   says: ...       what becomes of it, in a sentence
//	                                   package: ...    a layer: whose tests should fail
//	                                   run: ...        which of them (go test -run)
//	                                   args: ...       flags of theirs, if they need any
//	                                   package: ...    the next layer, for what the first does not catch
//	                                   --- a/...       a unified diff, applied by its text alone: line numbers may drift
//
// The checkout is never changed: the patched file lies in a temporary directory, and `go test -overlay` builds with it,
// the programs that black-box layers start as well. The layers are tried in order, up to the first that catches it.
// A patch that no longer applies, does not compile, or survives its layers fails the test here.
//
//	go test ./tests/mutants                            a few, within a minute; which ones, -seed decides
//	go test ./tests/mutants -size all -v -timeout 2h   every one, and a table of who caught it
//	go test ./tests/mutants -mutants reply-before      those whose name contains this
package mutants

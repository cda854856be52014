// Package console is what the programs under cmd/ share: exit codes, errors as people and scripts see them, the ready
// line of servers, signals, and log output.
//
//	main ─▶ Main ─▶ run(ctx, args, stdout, stderr) ─▶ exit code
//	         │                     │
//	   SIGINT, SIGTERM:       a Failure: one line on stderr that says what to do;
//	   ctx ends; a second     with -o json an object on stdout, with id and key
//	   one: exit 130          wherever they are known
//
// Data goes to stdout, words go to stderr.
package console

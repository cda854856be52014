// Command faults runs the fault-injection campaign: every layer in turn, with progress as it goes, and a summary at the
// end, as text, as JSON and as a page to read.
//
//	go run ./tests/faults                       what CI runs, within minutes
//	go run ./tests/faults -size all             everything there is
//	go run ./tests/faults -for 2h               rounds with new seeds until the time is over
//	go run ./tests/faults -only crash,network   some layers
//
//	 table of layers ──▶ go test PACKAGE -size S -seed N ──▶ <out>/<round>/<layer>.log
//	                                │
//	                      suite.Report: <out>/<round>/<layer>.json
//	                                │
//	                                ▼
//	          summary.txt   summary.json   summary.html      exit code 0: nothing found, nothing left out
//
// A layer that fails, that hands in no report, or that leaves out what it needs, fails the campaign.
package main

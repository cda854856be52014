// Package disk proves what the product promises of its disks, with real files under it: power cuts, failed writes and
// syncs, torn sectors, flipped bytes, full disks, and the seven facts about Badger that the design rests on.
//
//	processes on ext4 ── power cut ──▶ mount, restart, audit: what was told is there            power_test.go
//	a store on a FUSE disk ── cut behind any change, sectors torn ──▶ open: all is there        images_test.go
//	                       ── change N fails, once or for ever ─────▶ refused, or all is there  failures_test.go
//	a log's bytes, a store's files ── one flipped ──▶ refused, or the same                      codec_test.go, flips_test.go
//	processes on a small disk ── full ──▶ refused before, finished after                        full_test.go
//	bare Badger ──▶ the facts B1 to B7                                                          facts_test.go
//
// It needs root, FUSE and loop devices (make deps); small runs do with less. A store that is tried is opened by a process
// of its own, this test program again: a full disk kills it, and a dead one hangs it.
package disk

// Package faultfs is a file system in memory, mounted through FUSE, that notes every change in the order in which it
// came, fails the one that a test names, and makes of its notes what a disk would hold after a power cut at any point.
//
//	process under test ── write, msync, fsync, rename … ──▶ kernel ──▶ FUSE ──▶ Disk
//	                                                                             │ notes each change; fails the Nth
//	                                                                             ▼
//	            op 1 │ op 2 │ sync │ op 4 │ note "acknowledged 7" │ op 6 │ …
//	                                                          ▲ a power cut here: Image
//
// The kernel keeps its page cache over it: a store into a mapped file arrives as a write when it is synced, so faults
// strike where a real disk's would.
//
// # What a power cut leaves
//
// Of a file's content: everything that was written before its last sync that succeeded, and of what was written later
// any part, in sectors of 512 bytes (torn writes). A write before a sync that failed is not made durable by a later sync
// that succeeds: the kernel has dropped its pages by then.
//
// Of names and sizes: they are kept in one journal, in order, as ext4 and XFS do. A sync of a file or directory makes
// durable all of it up to the last change that concerns that file or directory; any more of it may be there.
//
// The file NotesFile in the root is the process's own voice: what is written to it stands among the changes, as a note.
package faultfs

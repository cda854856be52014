// Package badgerdb is what the coordinator's log and the embedded key-value store share of Badger's plumbing: who owns
// a data directory, how Badger is opened, how a batch is written, and what happens when any of it fails.
//
//	<data>/            0700, files 0600; symbolic and hard links are refused
//	  IDENTITY         JSON: whose data this is; never changes; its own checksum inside
//	  HEAD             the last write that was durable; checksummed (kv; a log keeps a richer one)
//	  LOCK             held with flock while open; pid and address inside for the "in use by" message
//	  ballast          really written bytes; removed when the disk is nearly full, so that what runs may finish
//	  badger/          Badger's own files
//
//	 Open ──▶ own the directory ──▶ IDENTITY ──▶ Inspect (reads Badger's files, changes nothing)
//	                                                │ damage: ErrRefused, every file is as it was
//	                                                ▼
//	                                  Check (the owner's own look at the content)
//	                                                │ refused: every file is as it was
//	                                                ▼
//	                                  Badger opens, and may cut and delete files
//
// # Why everything is looked at before Badger is let in
//
// Badger's own recovery cuts a write-ahead file at the first entry that it cannot read, ignores a table whose index
// does not add up, deletes tables that its manifest does not name, and ends the process on some kinds of damage. Each
// of these turns a flipped byte into a silently shorter database. Inspect reads the same files by itself, with bounds
// on every length, and says no first.
//
// # Writing
//
// SyncWrites is on, and one Commit is one Badger transaction: it is durable as a whole when Commit returns nil. After
// the first error of any kind nothing may be concluded about that batch, and nothing that follows could be trusted (a
// later sync may succeed over pages that were dropped), so the database poisons itself: every later Commit fails with
// the same error, and only opening the files again tells what is there.
//
// Values stay below Badger's value threshold, so its value log, whose sync errors it does not return, never holds
// data, and its value-log garbage collection has nothing to collect: it is never run. When Badger starts a new
// write-ahead file, the directory is synced before the Commit that uses it returns.
//
// # What a full disk does
//
// Badger writes through memory maps: without space a store into one kills the process. Room says long before that when
// to refuse new work; when space gets very short the ballast is removed for the sake of what already runs.
package badgerdb

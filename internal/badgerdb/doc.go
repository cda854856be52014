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
// One Commit is one Badger transaction: it is durable as a whole when Commit returns nil, and is read from then on, not
// before. After the first error of any kind nothing may be concluded about that batch, and nothing that follows could be
// trusted (a later sync may succeed over pages that were dropped), so the database poisons itself: every later Commit
// fails with the same error, and only opening the files again tells what is there.
//
//	Commit ──▶ Badger: write-ahead file (a memory map), memtable
//	       ──▶ fdatasync of that file; of a new one also the file before, and the directory
//	       ──▶ its version is what Views begin with; versions that no View has are discarded by compactions
//
// Badger's SyncWrites would sync its value log first, for each transaction: an empty file, and one more flush of the disk,
// a third of what a Commit takes. Badger's own Sync forgets a write-ahead file that was full (B6). So the file is synced
// here; and because Badger would show a transaction before that, its versions are numbered here too (its managed mode).
//
// Values stay below Badger's value threshold, so its value log never holds data, and its value-log garbage collection has
// nothing to collect: it is never run.
//
// # What a full disk does
//
// Badger writes through memory maps: without space a store into one kills the process. Room says long before that when
// to refuse new work; when space gets very short the ballast is removed for the sake of what already runs.
package badgerdb

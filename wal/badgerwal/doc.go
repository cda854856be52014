// Package badgerwal keeps a coordinator's log on a disk, in Badger.
//
//	Append ─▶ pack ─▶ seal ─▶ one Badger transaction, synced ─▶ HEAD ─▶ readers see it, Append returns
//	           ▲ lazy records wait here for a forced one, or LazyDelay
//
//	 r<lsn>  groups, linked by hash        ┌────┬────┬─────┬───┬───┬───┐
//	         deleted only from the front   │ r1 │ r2 │ r40 │ … │ rC│ … │ ◀── HEAD: the last one that was durable
//	                                       └────┴────┴─────┴───┴───┴───┘
//	 c<lsn>  the last checkpoint: chunks with what the fold holds  ▲ its record in the chain; recovery starts here
//	 i, q    index of ids: for 4096 records a small summary, and every id that they commit
//	 k       index of users' keys
//	 d       commits under users' keys whose groups were dropped before their time
//
// # A crash here, and what the next Open sees
//
//	before the Badger transaction            nothing of the Append; nobody was told
//	between two transactions of a large one  groups marked "more follows" without the last one: taken away
//	after it, before HEAD                    the whole Append, with HEAD one Append behind; nobody was told, which is
//	                                         the third result: it is durable
//	after HEAD                               the whole Append
//	in a checkpoint, before its record       chunks without a record: taken away; recovery starts at the one before
//	after its record                         two checkpoints: the later one counts, the other is taken away
//	in an Open, before the Opened record     as before that Open
//	after it, before its checkpoint          the epoch is used up; recovery starts at the one before, and what lies
//	                                         behind it is written again and synced
//	after a Dropped record                   the floor is up; the deletion goes on where keyFront says
//	in the deletion                          what is carried on is there already; keyFront is never behind the deletion
//	power loss anywhere                      the same, and HEAD may be as old as the last checkpoint
//
// # What is refused
//
// Open reads everything that it relies on before Badger may change a file: the last checkpoint, every group behind it,
// the index, HEAD. A gap, a changed or foreign or newer record, and an end below HEAD are refused, and the files are as
// they were. Damage in older history is not read at an Open (its cost must not grow with the history): whoever reads it
// is refused, and Verify reads all of it.
package badgerwal

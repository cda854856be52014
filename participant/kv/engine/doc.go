// Package engine is the embedded key-value store but its disk and its clock: operations, lock table, the life of a
// branch, and what of it stands on disk. It is deterministic: the same store content, events and times give the same
// batches and answers, so that a simulator can run it in one thread and replay any seed. It does no I/O.
//
//	  events                     Core.Step(now)                        effects
//	Prepare ──▶ execute ──▶ staged ─┐                     ┌──▶ Write: one batch, one sync
//	             │  ▲               │     ┌────────┐      │
//	        waits│  │granted        ├────▶│ batch  │──────┘
//	             ▼  │               │     └────────┘
//	           lock table           │          │ Written
//	             ▲                  │          ▼
//	             │ release      Commit,    answers: Yes, committed now, aborted, …
//	             └───────────── Abort          (nobody hears of anything before)
//
// # The life of a branch
//
//	opened ◀─▶ working         calls work on it, one operation after the other; any No is its end
//	             │ Prepare
//	working ──▶ staged ──▶ issued ──▶ promised ──▶ ending ──▶ gone
//	   │No        │No        │No         ▲   │        │
//	   ▼          ▼          ▼           │   │        └──▶ settled ──▶ ending ──▶ gone
//	 gone       gone       gone       Open   └ an operator's deed (H2)    reconciled
//
// A branch executes all of its operations at Prepare, or as its calls bring them (Begin, Do), and promises at Prepare what they
// have done. Every key that it reads or writes, present or not, is locked
// until the batch that ends the branch is durable (S1). What it wrote stands in its intent, not in the data: nobody
// else can see it. Commit moves it into the data, ends the promise and leaves a proof, in one batch. A lock is
// granted in the order of requests; who may wait, and who must die, is told at Locks (S3).
//
// # What is on disk
//
//	d<key>        a committed value
//	j<number>     what one batch says of branches: promises, and their ends, of which a commit is a proof
//	i<id, mark>   a promise: writes, locks, age, members, evidence; or a settlement
//	t<id, mark>   the proof that the branch committed, or was rolled back by hand, until it is forgotten
//	mmemory       the store's identity, its stamp, the witnesses, the numbers of the journal; with every batch (C6, P12)
//	mlast         the keys of the last batch; written with every batch (P10)
//
// Batches are written one at a time, each durable before the next is made. So a crash loses the last one as a whole or
// leaves it as a whole, and after a crash it alone can be in doubt: it may be readable and yet not be on the disk.
// Open therefore writes the keys that it names once more before anything is relied on:
//
//	crash before the promise's batch is durable   no vote was given: gone, or found promised (the decision ends it)
//	crash after it, before the vote is heard      found promised: locks held, asked about until the decision comes
//	crash before the commit's batch is durable    found promised: the repeated Commit applies it
//	crash after it, before its answer is heard    the proof answers the repeated Commit: committed before
//
// # The journal
//
// A row of the store costs by far more than its bytes, and what is said of a branch is short-lived. So a batch says it in
// one row, the j row of its number; the memory names the numbers that there are. It goes from the front alone, when its
// promises have ended and its proofs are forgotten: an end outlives the promise that it ends.
//
//	        front                                                  a batch adds one row
//	          ▼                                                             ▼
//	dropped │ 17: promise a, promise b │ 18: gone b, promise c │ 19: committed c │
//	          │
//	          └ the journal is too long, and a still in doubt: i<a> is written by the batch that drops 17
//
// An i row holds a promise that is long, was in doubt for long, or was settled; a t row a proof that the watermark did
// not reach for long, or that an operator has made. A branch is promised in one of the two places, never in both. Stores
// that were made before there was a journal have rows of their own alone, and so has one whose journal is empty.
//
// # For the caller
//
// Step, carry Effects.Answers out, write Effects.Write as a whole, sync it, and report with Written, NotWritten or
// Lost in a later Step. There is at most one batch under way. Step again at Next. After Effects.Stop nothing more may
// be done but to open the store again.
package engine

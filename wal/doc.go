// Package wal is the contract of a coordinator's durable memory, and everything of it that is pure: the records, their
// one encoding, the hash chain that links them, and the fold that says what of them still matters.
//
//	record    version kind id when body crc32c                one event; at most 60 KiB
//	group     version flags epoch mark first before count     what is written and checked at once; at most 512 KiB
//	          previous-hash record… crc32c
//	chain     g1 ◀─hash─ g2 ◀─hash─ g3 ◀─hash─ g4             LSNs without a gap; the first one names its owner
//	State     the fold: unfinished transactions, openings,    its records, in order, are a checkpoint:
//	          registrations, stops, presumptions, floor       applying them gives the same State
//	Recovery  what Open hands out, made from a State
//
// # What is promised
//
// One writer appends; a forced record is durable when Append returns, a lazy one with the next forced one or after
// LazyDelay. An Append is whole or not there: only the last of its groups makes the others count. Where durability
// cannot be told, the log poisons itself, and only opening it again tells.
//
// # Reading a log
//
// Each step refuses (txc.ErrRefused) rather than make something shorter of it:
//
//	the group's checksum         a flipped byte
//	its first LSN                a gap, or the same records twice
//	its previous hash            a group of another log, or one before it that was changed
//	its epoch and mark           an opening that goes back, or two of one epoch
//	each record's checksum,      damage that was there before it was packed; a record made by a newer program
//	version, and bounds
//	HEAD (outside of the log)    an end that is missing
//
// # A crash here, and what a replay sees
//
//	before the groups of an Append are written  nothing of it: nobody was told
//	between two of its groups                   a group that says "more follows" and no last one: nothing of it
//	after its last group, before Append returns all of it: nobody was told, which is the third result, and it is durable
//	after Append returned                       all of it
//	while lazy records wait                     none of them: they repeat messages that are harmless twice
//	after a lazy record's group                 it, and everything before it
//	between Opened and the rest of an Open      the epoch is used up, and nothing else has changed
//	power loss instead of a crash               the same, without what was written and never synced
//
// Package mem keeps a log in memory, package badgerwal on a disk, and waltest says what both must do.
package wal

// Package frame reads and writes the frames of txc's streams: ordinary Protocol Buffers on the wire (message Frame of
// txc.proto), written and read by hand because generated code for many small messages was the largest single cost.
//
//	coordinator                                                      participant
//	  MessageWriter ── Frame{hello, from, entries: Prepare, Commit …} ──▶ MessageReader
//	  MessageReader ◀── Frame{hello, entries: Vote, Fated, Inquiry …} ── MessageWriter
//
//	client                                                           coordinator
//	  RequestWriter ── Frame{hello, entries: Run, Begin, End …} ──▶ RequestReader
//	  ReplyReader   ◀── Frame{hello, entries: Begun, Done …} ────── ReplyWriter
//
// A stream says once what does not change, so each reader and writer belongs to one stream and one direction:
//
//   - ids of the coordinator's running epoch go by their sequence alone;
//   - the sender goes with the first entry and again only when it changed, then as what changed: its LSN always, its
//     watermark with the open ids or neither;
//   - a participant's identity and witnesses of the stream's own opening are left out.
//
// Everything is a pure function of the bytes and of what the stream said before: no I/O, no clock, no goroutine, so a
// simulator runs the real codec. Every reader is a gate: what it hands on is within the bounds of this package, UTF-8
// where text belongs, of the right direction and about an id where one is needed. Fields of a later version are skipped;
// a value of an enum that this version does not know is zero, the careful value.
//
// The tests compare both directions with the generated code, on valid, damaged and arbitrary frames.
package frame

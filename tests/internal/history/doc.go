// Package history decides whether transactions that ran at the same time were strictly serializable: whether one order
// of them explains everything that was read, and keeps whatever had ended before something else began in front of it.
//
//	[]Tx: appends to lists, reads of whole lists, intervals on one clock
//	  │
//	  ├─ each by itself: reads agree with its own appends ─────────────▶ internal
//	  ├─ what each list shows: elements of aborted or halfway appends ─▶ G1a, G1b, garbage, twice, lost update
//	  ├─ each list's version order: the longest that was seen ─────────▶ incompatible order
//	  ▼
//	graph:  T1 ─ww▶ T2  T2's element stands right behind T1's
//	        T1 ─wr▶ T2  T2 read a list that T1's element ends
//	        T1 ─rw▶ T2  T1 read the list right before T2's element came
//	        T1 ─rt▶ T2  T1 had ended before T2 began
//	  │ Tarjan: strongly connected components; the shortest cycle of each, by the edges that it needs
//	  ▼
//	G0: ww   G1c: ww, wr   G-single: and one rw   G2-item: and more of them   real-time: and rt
//
// Lists make it work (after Kingsbury and Alvaro, "Elle", VLDB 2020): every element is appended once, so that a list
// read tells who wrote it, in which order, and what each of them had found. A cycle means that no order exists; the
// tests of this package compare the answer with a search through all orders.
//
// A transaction whose end nobody knows may have happened at any time after its begin, or not at all. It counts as
// committed once something that counts has read an element of it.
//
// The package is a library of values: no input, output, clock or goroutine.
package history

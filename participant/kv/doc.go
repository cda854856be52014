// Package kv is the embedded key-value participant: a store in one directory, on Badger, that takes part in atomic
// transactions. Its operations are put, delete, get, add (with bounds) and check.
//
//	Submit / Prepare, Commit, Abort        one owner goroutine             badger, synced
//	    │                               ┌────────────────────────┐
//	    ├──▶ inbox (a buffer) ── swap ─▶│ engine.Core.Step       │── batch ──▶ one transaction,
//	    ├──▶                            │ locks, branches, rows  │             one sync
//	    └──▶                            └────────────────────────┘                 │
//	    ◀──────────── answers ────────────────────┴◀────────── written ────────────┘
//
// While a batch is being written, requests gather; the next batch takes them all. So one sync carries as many promises
// and commits as came meanwhile: there is no timer before a promise, and no goroutine or channel per request. A commit
// waits up to 2 ms for a promise to ride with, unless there is nobody else.
//
// What the store promises is told, and proved by tests without a disk, in package engine. Here the disk is added:
//
//   - Nothing is answered before the batch that it stands in is synced (P1, P11).
//   - A write whose fate is unknown stops the store: everything is answered by an error that wraps txc.ErrStopped, Failed
//     is closed, and the process must end and open the directory again, which tells what is there. A sync is never
//     repeated.
//   - Opening writes again what the last opening may have left unsynced, and gives promises their locks back, before the
//     first request is taken (P10).
//   - Below MinFree bytes of free disk nothing is promised; what was promised is still committed, with the ballast if
//     need be.
//
// The calls of a service's own code work on a branch by its keys (Join, Leave, View): each operation is a request to the owner,
// and what they have done stands in the engine until Prepare, which promises it as if it had been shipped. Nothing of it
// outlives the process before that.
//
//	call ── View ──▶ Keys.Get, Put, Add, Do ── turn ──▶ inbox ──▶ engine: locks, execution ──▶ the result, or why the branch is doomed
//
// A store that is opened as opaque does not execute its work, but keeps it with the promise and hands it back (Work, Shed):
// package staged makes a participant of a broker with it.
//
// Transactions over stores of this kind are strictly serializable (S1). Get, Dump, and whoever else reads the data
// beside them, are outside that.
package kv

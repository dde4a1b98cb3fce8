// Package service is the worker: it answers the requests of the protocol
// (package schema) by folding them into records (package lock) and storing these
// by compare-and-set (package bus).
//
//	request ── endpoint ──▶ job ──▶ actor ── batch: decide ──▶ write ──▶ settled ──▶ deliver
//	                         ▲        ▲                          │          │
//	                       timers   watch                        └── store ─┘
//
// # One lock
//
// Everything that is to happen to a lock is a job in the queue of its actor. While
// a write of the lock is on its way, jobs gather; then all of them are folded
// through lock.Fold into the next write. So a hot lock costs one write for each
// round trip, not for each request.
//
// A batch is decided on the record that this worker believes to be current, and
// stored only if it is. Then, and never before, its outcomes are delivered:
// replies, grants to waiters, events. What changed nothing, such as a refusal, is
// delivered after the leader of the store has confirmed the record that it
// rests on.
//
//   - A conflict means that the record is another: it is read from the leader,
//     and the same commands are decided anew.
//   - An unknown outcome is settled by sending the very same write again, until
//     it is acknowledged or conflicts; then the store shows, by the mark of the
//     write, whether it was the first try that was stored. Meanwhile the lock
//     stands still, and callers who have waited long are told unavailable: also
//     those whose requests wait behind it, which then do not happen any more.
//
// # Several locks
//
// A step that concerns several locks is a gathering: it takes a seat in the queue
// of each actor, in the order of their names, and when it has them all decides
// and writes one atomic batch. Attempts for several names that wait are
// noted in the record of one, mostly the smallest, and tried again whenever one
// of their locks changes. What such an attempt was newly granted is taken back
// together, too: the first of it has the names of all, by which also a repeat
// that names only some of them is recognized.
//
// # Time
//
// A TTL is timed from when this worker saw the hold, or its renewal, on a
// monotonic clock that stands still while the worker is paused or the store
// does not answer. When it is over, and the store has answered since, an expire
// command goes the way of all others, and does nothing to a hold that was
// renewed meanwhile, by whatever worker. So a hold ends late by the delay of the
// watch, and never early. No wall clock decides anything.
//
// # Sessions
//
// Sessions are kept in a bucket of their own, in memory, as records of package
// presence: a keepalive is a write, and time counts from the revision as it does
// for locks, on a clock of its own that stands while that bucket does not answer.
// What is lost with it is rebuilt from the locks: a session that a lock names and
// nobody knows is open under its epoch, and has its whole time to be heard of. So
// locks are told when a keepalive changes TTL or grace, before it is answered.
//
// When a session ends, that is written first, and then each lock that names it gets a
// leave command. Whoever later sees a lock name a session that has ended does the same, so
// an acquire that was on its way is not forgotten.
//
// There is room for so many presences, and so many of one client. Of leaves only
// those that have left take room; the oldest are forgotten for the next, so that
// every one may leave.
//
// A connection that is seen closed shortens the time of its sessions to their
// grace, until a keepalive comes that was not sent before.
//
// # Callers who are gone
//
// A grant is published with a reply subject of the worker's that says which
// answer to the attempt it is. Where nobody listens, NATS says so there, and the
// grant is undone if no other answer may have been heard.
//
// # Garbage
//
// The record of a lock that nobody uses any more is garbage when what it remembers
// is over. A collector drops it, in steps that are minutes apart: whatever is in
// use below a revision is written anew, that revision becomes the floor, and what is
// below the floor is purged. What comes back of it after a crash of the store is below the
// floor, and nothing that is below the floor is read as a record: see floor.
//
// # Restarts
//
// A worker keeps nothing that is not in the store. One that starts reads all
// records, begins every timer anew, and only then answers.
package service

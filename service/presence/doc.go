// Package presence is the state of one session and what happens to it: a pure
// function Step, without clock, randomness or I/O.
//
// A session is a presence P, which is opened and kept alive by keepalives, or a
// leaf P/L of it, which is alive as long as P is and is written down only when
// it has left. What is known of either is a Record, stored under Key. The
// revision of a record is what its time counts from: whoever sees a record has
// the presence's TTL from then on, on a clock of its own, and ends it by a
// write that expects just that revision. So a keepalive that came first wins,
// and no clock is compared with another.
//
// What holds (the numbers are those in the tests):
//
//  1. An epoch stands for one opening. Every opening has another one: it is the
//     revision of the write that opened it.
//  2. A presence that has ended is not open again under the same epoch.
//  3. A keepalive with an epoch never opens, and keeps no other opening alive.
//  4. A keepalive whose n is not above the last one's changes nothing. The one
//     with the last n is a repeat, and answered like the first; of one before
//     nothing is told but what is left.
//  5. A presence that left is opened again only by a keepalive with a larger n,
//     as long as it is remembered: without n, a late copy looks the same.
//  6. A caller named by its subject changes nothing of another client's.
//  7. Only keepalives open, and only leave and expiry end.
//  8. What a presence was opened with (TTL, grace, connection) stays until a
//     keepalive says otherwise.
//  9. A leave with an epoch ends no other opening.
//  10. Each keepalive that makes TTL or grace others counts one up in Change,
//     and nothing else does: it tells which of two that are known of one opening
//     are the later ones.
package presence

// Package soak makes trouble for whole natslock processes, as an operator or a
// broken machine would, and checks that every promise is kept meanwhile. It has
// tests only, for Linux: they build natslock, run it, and send it signals.
//
//	go test ./cmd/natslock/soak                                      the short form: a minute
//	go test ./cmd/natslock/soak -v -timeout 30m -run TestSoak -soak 10m -callers 200
//	    -seed N       of what is left to chance; every run prints its own
//	    -sync MODE    of all servers; by turns always and 1s without
//
// A seed makes the same trouble again, but not the same race: for a race, soak for
// longer.
//
// # TestSoak
//
// Many callers, on few connections, take locks through package client and by
// plain requests, in all the ways there are: waiting, trying, giving up, canceling;
// exclusive, shared, with a size, several at once; for a TTL and by presence;
// released by token and by owner, left to their TTL, forced away, renewed for long.
// Every request is repeated until it is answered. The server is killed, stopped and frozen at random, and
// started anew in one sync mode or the other. What is checked:
//
//  1. The history of each lock is linearizable: there is an order of all grants
//     and ends, each between its request and its reply, in which a plain lock
//     would have answered the same. A hold ends by a release, by force, or by its
//     TTL, no earlier than a TTL after the last renewal was sent, and nothing else.
//  2. Tokens grow, over all restarts.
//  3. No two holders that exclude each other believe in their holds at once, as
//     long as they go by Lock.Err or by the TTL, and what a lock guards sees no
//     token smaller than one before.
//  4. Nobody is told "held" by nobody, and no hold is seen that was not asked for.
//  5. Waiters that were seen waiting, and whose connection held, were granted in
//     that order.
//  6. Everything is answered within a minute after the last fault, and then
//     nothing is held.
//  7. What a process held or waited for by presence is free soon after its TTL
//     when it has died, counted from when the server was last well, and at once
//     when its session has left. Such processes are killed, stopped and cut off at
//     random; as long as one that lives believes in its hold, the hold is in the
//     history.
//
// # TestThousandSessionsOutliveTheServer
//
// A thousand Clients on few connections hold by presence, or wait for one that does.
// The server is stopped, and then killed. Each hold is the same hold afterwards,
// also when more than its session's TTL has passed, and each wait ends with its turn.
//
// # TestDoorsSoak
//
// Clients of lockd (TCP, unix socket, websocket) and of LDLM come, want the same locks in
// one realm, and drop: they close, with and without a farewell, reset, break off in the
// middle of what they ask, are killed as processes, or vanish as a machine that loses its
// power does (where TCP_REPAIR is allowed). The server is killed, stopped with a drain,
// and frozen. What is checked:
//
//  1. No two hold the same lock at once, by whatever doors: of two who believe so, one
//     finds that its connection has ended.
//  2. What is held is its holder's to release, as long as its connection lives and the
//     server is well.
//  3. What a connection held is free within 15 s of its end, 45 s when nothing told of
//     it, as long as the server is well, or 45 s after it is well again.
//  4. Every answer fits its question, and in the end nothing is held.
//
// TestWhoVanishesHoldsNothingForLong does the last of these to a server that is well.
//
// # TestIdleConnectionsAreCheap
//
//	-idle 5000    connections to the lockd door
//
// What connections to the lockd door take of a server's memory that are silent, have asked
// something, or hold a lock each. The first two are bounded.
//
// # How histories are kept short
//
// Locks are used for a few seconds; then there are new ones, and the old histories
// are checked, one lock at a time. The tokens give the order of grants away, so the
// search for an order has few choices. What a caller was never told, such as a
// grant that was undone because its connection was gone, or whose other copy had
// been refused, is found in what others saw: a hold of an owner whose acquire may
// have had that fate becomes part of the history, any other is a failure.
//
// # Track record
//
// What these tests have found:
//
//	Found by                                  What was wrong
//	TestSoak -seed 7 -soak 3m                 A waiter was granted after a restart before its connection was back. The
//	                                          news that nobody heard of that raced with the caller's repeat from the same
//	                                          inbox: it was told "granted", and then the grant was undone, so two held it.
//	TestSoak -seed 1795305483976413729        Package client sent a request twice over a pause of the server. One copy was
//	                                          refused, and the other granted, of which nobody was told.
package soak

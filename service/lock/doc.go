// Package lock decides: who is granted a lock, who waits, what ends a hold. It
// is pure. There is no clock in it, no randomness, no I/O and no goroutine;
// time comes in as commands (Expire, GiveUp), and everything that goes out is a
// value.
//
//	Record (stored) --+
//	                  +--> Step --> Record'  to be stored by compare-and-set
//	Command ----------+         \-> Outcome  to be done once Record' is stored
//
// A Record is the whole state of one lock. Step applies one command to it; a
// Fold applies many, for one write. An Outcome says whom to answer what and
// which events follow. None of it may be done before the store has acknowledged
// the record that justifies it or, where nothing changed, before the leader of
// the store has confirmed the record that it rests on.
//
// A record cannot contain the revision that its own write will get. So a grant
// is stored with its index in the write, and a renewal with 0; Seal and Decode
// put in the revision. Until then a token is worth nothing to anybody: it is in
// no outcome that was delivered.
//
// # What always holds
//
// For every record that commands can lead to, and for every step. The tests
// name these by number.
//
//  1. An exclusive hold is alone.
//  2. A shared lock has at most Size holds, unless Size is 0.
//  3. All holds have one mode and size, the record's. A record without holds
//     has neither.
//  4. Tokens grow strictly from grant to grant, over all grants that a record
//     ever sees, whether their holds lived to be stored or not. A token does
//     not change while its hold lives.
//  5. The first waiter that is not parked could not be let in, nor is it for
//     another size than the lock is in use with; unless MaxGrants grants were
//     made in this write. Then Promotable says so.
//  6. Waiters are in order of arrival. A waiter's place does not change, also
//     if it is parked or comes back by an undo.
//  7. Nobody overtakes. An acquire is let in at once only if no waiter is
//     there that is not parked, and a waiter only if none is before it.
//     Waiting attempts for several names block nobody.
//  8. An attempt is in one place: a hold, a waiter, a set or the ended.
//  9. A client's owner has at most one hold, and is not also waiting, unless
//     parked or for several names.
//  10. Every hold can end by itself: it has a TTL or a session.
//  11. An attempt that repeats itself changes nothing but where its answer goes,
//     that it is not parked and, up to MaxRepeats, how often it was answered. Every command, said
//     twice in a row, does what it does when said once; but for a renewal, which
//     restarts the TTL again, a touch, and Force without a token, which ends whatever is
//     held by then.
//  12. An Expire that rests on an older renewal does nothing.
//  13. A refusal changes nothing. That a cancel is remembered which found
//     nothing is no exception: it changes what its attempt will be told.
//  14. The bounds hold, and an encoded record is at most MaxBytes long. No bound
//     refuses what ends something, nor a waiter's turn, and nothing of that
//     makes a record heavier.
//  15. The record and the command that Step was given are unchanged.
//  16. Decode(r.Append(nil), n) equals r.Seal(n).
//  17. Commands folded into one write do what they do in one write each, but
//     for the tokens' values; unless the write is full of grants.
//  18. A waiting attempt is answered when it stops waiting, and not before: it
//     does not vanish (Unnote apart), and is in one Answer for each wait.
//  19. A free record keeps nothing but Ended and Arrived.
//  20. A reply has a message if and only if it is a refusal.
//  21. An acquire that is barred finds a repeat of what is known, or nothing: it
//     is granted nothing new, and does not wait.
//  22. Terms change nothing but what the parts of one opening of a session know of
//     its TTL and grace. In whatever order they come, the latest stay; and nothing
//     makes a part know older terms than it did.
//
// # Time
//
// A hold's TTL is a duration, and Renewed is the revision of its last renewal.
// Whoever sees a record times the hold on a clock of its own, from when it saw
// it, and sends Expire with the Renewed that it timed. If anybody has renewed
// the hold meanwhile the numbers differ, and 12 applies. So clocks are never
// compared with each other, nor with a stored time.
//
// # Undo
//
// A grant is worth nothing when its caller does not hear of it. When nobody
// listens at the inbox that a grant was sent to, Undo takes it back, as long as
// nothing else rests on it: no other attempt joined the hold. A repeat is answered,
// too, and whoever heard one answer believes in the hold, whatever became of the
// others, and however late the news of them comes. So the hold counts the repeats
// before they are answered, and ends when the grant and every repeat have found
// nobody; one with MaxRepeats is not undone any more, and counts no further.
// What waited before waits again at its old place, but parked: passed over until
// its attempt is repeated. So a dead caller holds up nobody, and a returning one
// has lost nothing.
package lock

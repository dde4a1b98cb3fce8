// Package schema is the protocol of natslock: what a program must send over
// NATS to take a lock, and what it is answered. It has the messages as types,
// their two encodings, the subjects, the statuses and the checks that need no
// state. It imports nothing of natslock, and does no I/O.
//
// # Words
//
// A realm is a namespace of locks: a tenant or an application. A name is a
// lock's name in its realm. A client is who is calling: a user or an instance
// of a service. An owner is who a hold belongs to within its client: two
// acquires by the same client and owner are one hold. Who names no owner gets
// a fresh one for each acquire, so locks are re-entrant only on purpose.
//
// A session is a presence: something that says by keepalives that it is alive.
// It ends when it leaves, falls silent, or loses its connection. P/L is the
// leaf L of the presence P and lives as long as P; a presence has no slash in
// it. A presence is one for all realms, and belongs to the client that opened
// it. A caller who is named by the subject can use its own client's sessions
// only; one on the plain subject, such as a gateway, speaks for others.
//
// A hold is one owner's grant of one lock. A waiter is an acquire that waits
// its turn. The TTL is how long a hold lives without renewal; a hold without
// one lives as long as its sessions. The token is the fencing token of a hold:
// no two grants share one, every later grant of a lock has a larger one, and
// it does not change while the hold lives.
//
// # Subjects
//
//	lock.<realm>.<verb>            the field client names the caller
//	lock.<realm>.<verb>.<client>   the subject names the caller
//	lockevent.<realm>.<type>       events; only workers publish them
//
// Realm and client are one token each, in which every byte outside
// A-Z a-z 0-9 _ - is written as = and two upper-case hex digits. There is no
// second spelling: what EscapeToken would not write, UnescapeToken refuses, so
// that a permission on a subject cannot be got around. Where subject and body
// name different clients, the request is denied.
//
// # Bodies
//
// A body is one JSON object or one MessagePack map, with the same fields in
// both; Detect tells which. Nothing at all is an empty object. The reply is
// encoded as its request. Events are JSON. These rules hold for both:
//
//   - Field names match byte by byte. Unknown fields are passed over, whatever
//     they hold; of a field that is there twice the last one counts; null, like
//     an empty text, is as if the field were not there.
//   - A whole number may be written in any way that is one (3, 3.0, 3e0), but
//     never as text. Durations are milliseconds in fields that end in _ms.
//     Tokens are below 2^53, and a request with the token 0 is refused. Times
//     are RFC 3339 in UTC with milliseconds.
//   - All text is valid UTF-8, without lone surrogates. MessagePack keys are
//     strings; binary data and extensions mean nothing to any field.
//   - A request has at most MaxRequest bytes and nests at most 40 deep, a meta
//     32. Nothing follows the value. What claims more elements than the body
//     has room for is refused before anything is made for them.
//   - Fields without a value are left out. The locks of a reply to list are
//     there even if there are none.
//
// A Meta is an object of the caller's, of at most MaxMeta bytes as JSON. It
// has one form, so that equal ones are equal bytes: see ParseMeta. Merging goes
// key by key at the top; null is a value like others.
//
// # Replies
//
// Every reply has a Status; the set is closed. The first seven say that it is
// so (canceled only in answer to cancel: to the waiting acquire it says that
// its wait was ended). Held, timeout and not_held are answers like others. The
// rest are faults, which carry the service error headers of NATS too:
// size_mismatch, session_expired, limit, invalid, denied, unavailable and
// internal. Whatever is not ok has a message for people. After unavailable the
// outcome is unknown: the same request, with the same request id, finds out.
//
// # Verbs
//
// Acquire takes one lock, or up to 64 of different names, all or none. Granted
// comes with a new token; already says that this owner holds it, with the same
// token, its TTL restarted, the session added and the meta merged; or, if the
// acquire is to be fresh, that nothing happened, and how the hold is. Held says
// who has it. An acquire that may wait is answered once, when it is decided:
// the reply is the grant. Waiting is first come, first served, and nobody
// overtakes, also not without waiting; consecutive shared waiters are let in
// together. Several names wait without a place in any queue until all are free
// and nobody waits for any. The grant is undone if nobody listens to it; the
// waiter then keeps its place, passed over until its caller is back.
//
// An attempt is known by realm, name, client and request. The same one sent
// again, even with other fields, is the same attempt: granted with the same
// token while its hold lives, one wait with the newest inbox while it waits,
// and for 60 s or 256 later attempts after its end timeout, canceled or
// not_held. A refusal leaves nothing behind. A caller that waits sends its
// attempt again every 5 s, and after each reconnect.
//
// Release ends a hold by token or by owner, or several: names with their
// owner, or locks with their tokens, each on its own. With a session only that
// session's part ends, and others keep the hold. With show the reply has the hold
// as it was, or those of others; with forget an attempt that is not sent again is
// not remembered. The next waiters are granted in the same write. Renew restarts
// the TTL, or gives another. Cancel takes an attempt out of the queue or undoes what
// it was granted meanwhile, and is remembered if it comes before its acquire.
// Inspect shows locks as the leader of the store knows them, list the held ones of a
// realm, by name. Force ends holds whoever has them.
//
// Keepalive says that a presence is alive, and opens it with create. Its reply
// has an epoch that is another for each opening; who sends it back learns when
// that opening has ended. N grows from one keepalive to the next, so that late
// ones change nothing. Server and cid tell which connection it is: when that
// is seen closed, the session ends after its grace. Leave ends a presence with
// its leaves, or one leaf, and what they hold and wait for; with the epoch only
// of that opening, so that a late one ends nothing else.
//
// # Promises
//
//  1. Exclusive holds of a lock never overlap, and never more than size shared
//     ones are there. One compare-and-set write decides each grant.
//  2. Tokens grow through crashes, fail-over and the loss of the store.
//  3. No hold is ended early. It ends at most 1 s after its time while a worker
//     runs and the store has a leader; time without them counts against nobody.
//  4. Every request may be repeated, as long as its attempt is remembered.
//  5. No crash of one process loses a living hold, or a place in a queue whose
//     caller repeats its attempt.
//  6. A refusal was true between the request and the reply, as the leader of
//     the store knew it.
//  7. A lock is a promise among the polite: whoever guards the resource
//     compares tokens.
//
// # Contract of the package
//
// Decode accepts any bytes: it never panics, and takes memory in proportion to
// what it is given. What it refuses it names, as an Error whose message begins
// with the field. It checks form, Validate checks meaning; both must pass
// before a request is looked at. Append cannot fail. What was decoded from one
// encoding is the same after the other. Requests read by Decode share no
// memory with the body. All functions may be used by many goroutines at once.
//
// Every message declares its fields once, in fields.go; a codec reads or writes
// them in either encoding. Reading begins with a scan of the whole body, which
// checks it and notes where the known fields are.
package schema

// Package client takes locks from natslock, over a NATS connection that the
// program has already.
//
//	locks, err := client.New(nc, nil)
//	...
//	defer locks.Close()
//	err = locks.Do(ctx, "invoices/2026-07", func(ctx context.Context, l *client.Lock) error {
//		return closeMonth(ctx, l.Token())
//	})
//
//	Acquire, TryAcquire          one lock: exclusive, Shared or Size (a semaphore)
//	AcquireAll, TryAcquireAll    several, all or none
//	Do                           a lock around a function
//	Inspect, List, Watch         who holds what, who waits, what happens
//	Presence                     a context for all that is held by the session
//	Release, Renew, Force        a hold by its name and token
//	Call                         the protocol as it is
//	CallIn, GiveUp, OpenLeaf     for gateways: other realms, and callers that come and go
//
// # What a lock promises
//
// The service never has two exclusive holds of one lock. A holder is told in
// time when its own has ended, but nobody can be told while paused, and what a
// holder has sent can arrive late: a lock alone is a promise among programs that
// run. Where two at once would do damage, give Lock.Token to what the lock guards
// and let that refuse a token that is smaller than one it has seen (fencing).
// Tokens of a lock grow from hold to hold, through crashes and restarts.
//
// # By presence, or for a TTL
//
// A Client has a session, which is opened at first use and kept alive by one small
// request every third of Options.SessionTTL, whatever the number of locks. Holds live
// as long as the session does: until Close, until nothing is heard of the Client
// for the SessionTTL (10 s), or until the service has seen its connection to NATS closed
// for longer than Options.Grace (2 s). So what a crashed holder had is free after
// seconds.
//
// With the option TTL, or Options.TTL, a hold lives for that time instead, and
// each is renewed by itself: for what is to outlive a connection or a process
// (NoRenew), or a service that is away for longer. Both kinds mix.
//
// When the session is lost, all that is held by it is, at once. Client.Presence tells
// who holds many. The next acquire opens another session, and so does an acquire that
// waits: it is made anew, and has lost its place in the queue.
//
// # The trust window
//
// A hold lives for a TTL from the moment at which the service granted or last
// renewed it, and a session from that of its last keepalive. The holder does not know
// that moment, only that it lies after its request was sent. So, for every grant,
// renewal and keepalive that is acknowledged,
//
//	trusted until = request first sent + TTL - margin
//
// by the local monotonic clock, where the margin is a tenth of the TTL, but at
// most half a second, and a two-thousandth for clocks that do not run at one
// rate. When the connection to NATS is seen to be lost, the session is trusted for
// the grace, less its margin, and longer only after a keepalive on another connection
// was acknowledged. These rules follow:
//
//  1. Sessions and TTLs are renewed in the background at about a third of their
//     TTL, a session also after each reconnect, and for as long as it takes when
//     nobody answers. An outage shorter than the rest of the window goes unnoticed.
//  2. When the window ends, the Context of the Lock ends with the cause ErrLost,
//     before anybody else can have the lock. So it does at once when the service
//     says that there is no such hold: it was ended by force. The event of that
//     has the Client ask. What others release by its token is missed when it is
//     renewed next, or without a TTL, looked at next.
//  3. A lost Lock stays lost. A renewal or keepalive that is answered later revives
//     nothing: the hold is released, or the session left, if it is still there; and
//     a grant that comes for a lost session is not believed.
//  4. Nothing depends on a timer that fires in time: Lock.Err and the Done and Err
//     of the contexts look at the clock themselves, so a process that was stopped
//     past its window sees the end first. A monotonic clock that stands still
//     while a machine sleeps does not show that time; the token does. Nor does
//     anything here show a connection that only a server has seen closed: a Grace of
//     the SessionTTL makes up for that, and again the token.
//  5. A grant for a TTL may be old when it arrives: it was sent any time after the request
//     was, which may have waited for hours. One that is older than a third of its
//     TTL is asked for again under its owner before Acquire returns, which restarts
//     the TTL, and the window with it, for a round trip; if it is over by then, the
//     waiting begins anew.
//
// # Outcomes
//
// An outcome is never guessed. Every request is the same however often it is
// sent: an acquire carries an id, a release and a renewal the token. So a request
// without an answer is sent again, after Options.Timeout, with growing pauses when the
// service is away, and whenever the connection is made anew, until the context
// ends. A waiting acquire is repeated every 5 s, by which the service knows that
// its caller is there.
//
// An acquire that is given up is canceled in the background, until the service
// has acknowledged that, so that nothing stays behind that nobody knows of; so is
// one that was refused after it was sent more than once, since another copy may be
// granted yet, and a release goes on that its caller did not wait for. Client.Close
// waits for all that, within bounds.
//
// # Errors
//
// Errors match the sentinels of this package by errors.Is: those named after the
// statuses of the protocol, and ErrLost, ErrReleased and ErrClosed, which are
// also the causes of contexts. errors.As with **Error gives the status, the
// message, and for ErrHeld who the holders are.
//
// # Costs
//
// A held lock costs a few hundred bytes, no goroutine and no timer. One with a TTL
// costs a request every third of that, of which at most 64 are on their way at a time.
// All that are held by the session together cost one every third of its TTL, and
// another in each TTL, and after a reconnect, which looks whether 64 of them are there.
package client

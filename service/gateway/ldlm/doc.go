/*
Package ldlm is the door for the clients of LDLM: the gRPC service ldlm.LDLM, with
its methods, messages, error codes and texts.

What goes wrong with a lock is an error in the response of a call whose status is
OK. A status that is not OK says that nothing was decided: Unauthenticated without
the password, ResourceExhausted beyond a limit of the door, Unavailable when the
service or this gateway cannot answer.

# Locks

Each Lock and TryLock has a key of its own, which owns what it gets: so locks are not
re-entrant, and whoever knows the name and the key may renew and release. Every lock
is a shared one of its size, 1 by default, which at most so many hold at the
same time: a request for another size is refused while the lock is in use, and
decided in the same write as the grant. Waiting is first come, first served, and
TryLock overtakes nobody.

A lock with a timeout ends by it. All locks of a connection end with it, as
those of a leaf of the gateway's session; when that is lost, the connection is
closed, which tells its client. With Config.Keep they outlive it: then those without a
timeout end after a day.

A call that its client resets holds nothing, also when the answer was written already, nor
one whose answer was not written, since its deadline has passed: the frames of a connection
are followed both ways, since gRPC tells nobody of either.

Unlock releases by the token, which it asks the service for unless it is known here. So it
does not matter by which gateway or connection the lock was taken. What was released when
the answer was lost is unlocked for the client, also when it has to call again; not if its
session has ended by then, since it may have been lost with that.

# REST

TryLock, Unlock and Renew are served over HTTP too, for sessions that are shown by a
cookie. A session's calls are answered one after the other. It ends when it is
deleted, when it was idle for too long, or with the gateway, and what it holds with it; with
Config.Keep that stays, however the session ends, as it does with a connection.
One address may have a tenth of all, so that nobody keeps the others out.
*/
package ldlm

/*
Package locker speaks the protocol of locker-cache, a lock service over socket.io:
the events lock, unlock, isLock, forceUnlock and lockTable, each answered by the same
event to the socket that asked, and by the acknowledgement if it asked for one.

A socket says by its handshake whose it is: realm and client_id. All sockets of a
client_id hold its locks together, as the tabs of a browser do: one that closes takes
out itself, and the lock goes with the last. Each socket is a leaf of the gateway's
session, by the id that its client knows, and sids are the leaves of the hold. So what
a gateway holds for its sockets ends when it falls silent; who comes back before, to
any gateway, and locks again, has "already".

A lock is named by the hash of its resource (package objecthash), and keeps resource
and details as its meta, which keeps all but the order of members. Every lock and renewal is for Config.TTL.

Where locker-cache differs from what it says, what it says is done. What it has no
answer for, such as a request that makes no sense, has the status error, the request
as data, and a message. The events of one socket are handled one after the other.

The details of a lock that is taken again are merged by reading them before. When
two tabs lock at the very same time, those of one may be missing.

An unlock whose answer is lost is asked for again, by the door or by a client that was
told of an error, and finds nothing. It has the status unlock nevertheless if the socket had
taken the lock, of which it remembers 256; the details have been lost with the answer, and
are not in the record.

The event watch is new: from its answer on, the socket is sent a lockEvent whenever a
lock of its realm is taken or ends, with type, resourceID, resource and details. The
type lagged says that some may have been missed.
*/
package locker

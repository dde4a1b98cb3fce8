/*
Package lockd is the door for those who speak the line protocol of lockd and
glockd, over TCP, a unix socket or websockets.

A line is a command, and most are answered by one line (X is a lock's name, N a
number of holders):

	g X         1 Lock Get Success: X             0 Lock Get Failure: X
	r X         1 Lock Release Success: X         0 Lock Release Failure: X
	i X         1 Lock Is Locked: X               0 Lock Not Locked: X
	sg X        N Shared Lock Get Success: X      0 Shared Lock Get Failure: X
	sr X        1 Shared Lock Release Success: X  0 Shared Lock Release Failure: X
	si X        N Shared Lock Is Locked: X        0 Shared Lock Not Locked: X
	d, d X      X: NAME, a line for each holder of an exclusive lock
	sd, sd X    X: NAME, a line for each holder of a shared lock
	dump        {"X":"ADDRESS"}, all exclusive locks
	dump shared {"X":["ADDRESS"]}, all shared locks
	iam NAME    1 ok
	me          1 ADDRESS NAME
	who         ADDRESS: NAME, a line for each connection that has said iam
	who NAME    those of that name
	q           key: number, a line for each counter

Spaces, tabs and carriage returns are trimmed, and several are one space. What is
no command is not answered; nor is d, sd and who when there is nothing to tell. A line
over MaxLine bytes is answered 0 line too long, a name over schema.MaxName bytes or
of other bytes than UTF-8 0 bad name, and what is switched off 0 disabled. A websocket
has one command in each frame, and the answer is one frame, empty if there is none.

Whoever gives a name gets it back as it was given. In what is shown to others too, by d,
sd, who and dump, control characters are escaped, as \x1b or, in JSON, \u001b: a terminal
would obey them.

A connection that begins to speak HTTP is closed: any web page can have a browser
send a request whose body is commands. A websocket needs no Origin, which programs do
not send; pages do, and theirs must be that of the host that is called, or one of
Config.Origins. On loopback that host must be an address or localhost, too, or that of
such an origin: a web site can make its own name point there.

Several commands may be sent at once: all are answered, in their order. As long as
as many are waiting as a connection may have, no more is read from it.

# Locks

Exclusive locks and shared ones do not know of each other: they are in two realms.
What g, r, i, sg, sr, si, d, sd and dump say is true of the whole service, whatever
gateway they are asked at; names (iam, who) and counters (q) are of this one. With
several workers what d, sd and dump say of all locks can be some milliseconds behind:
it comes from one of them. A single lock is asked of the store.

Locks belong to the connection. When it ends, however it does, its session leaves,
which releases all of them at once. When the session is lost, because the gateway was
away from the service for too long, the connection is closed, which tells its
client that its locks are gone.

A g or sg that nobody has decided in time is answered as a failure: what was
granted meanwhile is taken back. There is no such word for the other commands, so that
the connection is closed instead.
*/
package lockd

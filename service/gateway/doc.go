/*
Package gateway is what the doors of natslock have in common: those who call
over something else than NATS come in by a door, a package below this one, which
turns what they say into requests of the protocol and the replies into what they
expect. A door decides nothing about locks.

A Gateway is one client.Client, which speaks for all callers of a process and all
realms, on the subjects that name no client; and whether calls are taken: not
before the service is ready, and not any more while it drains.

Who wants to know what happens in a realm reads the same events as all others who
do, over a connection of their own: see Watch.

A Door counts and bounds what comes in by one of them: connections, what one
connection asks for at the same time, and how many of those wait. What is beyond
a bound is refused in the words of the door, at once.
*/
package gateway

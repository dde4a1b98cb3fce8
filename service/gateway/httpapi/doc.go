/*
Package httpapi is the HTTP door of natslock: the protocol as calls of a versioned
API, the three calls of an older lock server, and what operators ask for.

	POST   /v1/realms/{realm}/locks/{name}         acquire
	DELETE /v1/realms/{realm}/locks/{name}         release
	PATCH  /v1/realms/{realm}/locks/{name}         renew
	GET    /v1/realms/{realm}/locks/{name}         inspect
	POST   /v1/realms/{realm}/locks/{name}/force   force
	POST   /v1/realms/{realm}/locks                acquire several, all or none
	GET    /v1/realms/{realm}/locks                list
	GET    /v1/realms/{realm}/events               what happens, as server-sent events
	GET    /openapi.json                           all of this as OpenAPI 3.1
	GET    /healthz, /readyz, /metrics             alive, ready, metrics
	POST   /lock, /unlock, /check                  the older server's, also below /api
	GET    /ping                                   the older server's

# The native calls

A name is one segment of the path, percent-encoded, a slash in it as %2F. Bodies
are the JSON of package schema, whatever Content-Type says, read by the same
decoder as those that come over NATS; every reply is a schema.Reply, also where
nothing was called, with the HTTP status that its status stands for: see Code.

Who calls may name itself with client, which is believed. All others are the
client "http", so an owner without a client is one owner for all of them. A hold
lives by its TTL: there are no sessions here, since no connection stays.

What net/http refuses by itself, because it is no HTTP request or one that is too large
or strange, has a schema.Reply for its body, too; over TLS it is net/http's text, and
nothing at all after a header that did not come in time.

An acquire that waits is a long request. When its caller hangs up, the attempt is
canceled; when the grant could not be delivered, what it newly holds is released.
A call that drains away is answered 503. It keeps its place in the queue if it named
its request: the same call again finds it, here or elsewhere.

A release that the door had to repeat, because its answer was lost, is "released" if
there is no such hold: nothing tells whether the first copy ended it.

# Who may call

Whoever reaches the address. Pages of web sites that are open in somebody's browser
may not: a request with an Origin is refused, unless that is the door's own or one
that the configuration names. On loopback the Host must be an address or localhost,
too, or that of such an origin: a web site can make its own name point there.

Pages are what else is served here, such as the console: see package console.
*/
package httpapi

// Package engine serves Engine.IO 4: sessions of messages between a server and
// its clients, over HTTP long-polling, websockets, and the upgrade from one to the
// other. It is the lower half of socket.io, and knows nothing of what the messages
// say.
//
//	server, err := engine.New(engine.Config{
//		Accept: func(s *engine.Session) engine.Receiver { return &caller{session: s} },
//	})
//	mux.Handle("/socket.io/", server)
//	…
//	err = server.Shutdown(ctx)
//
// A [Server] is an http.Handler. For each new session it calls Config.Accept, which
// returns the [Receiver] of the session: that is told of every message, in order,
// one at a time, and at last that the session has ended, and why. A [Session] has an
// id, the request that it began with, a context that ends with it, and methods to
// send and to close, which never block.
//
// # The life of a session
//
//	alive ──▶ leaving ──▶ gone
//
// A session ends when its client closes it, is lost, answers no ping, or does what
// the protocol does not allow; when too much output waits for the client; and when
// the server closes it. [Session.Context] is canceled at that moment, and
// [Receiver.Closed] is called once the receiver has returned from what it was busy
// with. A session that the server closes, or that a polling client closes, is
// leaving for a while, in which the client reads what is left.
//
// Pings are due at moments that are computed from the last pong, never from when a
// timer fired, and every request looks at them: a client that is late is refused
// also where the timer is late, too.
//
// # Output
//
// What is sent waits in one queue, whichever the transport, so nothing is lost or
// overtaken in an upgrade: a GET takes all that there is, and after the upgrade the
// websocket takes the rest. The queue is bounded by Config.MaxBuffered.
//
// # Input
//
// Of a packet no more than Config.MaxPayload is kept, whatever its client sends. Up to
// Config.MaxRead the rest is thrown away as it comes, and the receiver is told of a
// message that is cut; so it can refuse one message and keep the session.
//
// # Goroutines
//
// A session has none of its own: an idle websocket costs the goroutine that net/http
// began for its request, and a polling session one while a GET waits. While there is
// something to write to a websocket, one more writes. All of them, and the timers,
// have ended when [Server.Shutdown] returns.
//
// # The HTTP server around it
//
// Its ReadTimeout and WriteTimeout must be zero, or longer than PingInterval and
// PingTimeout together, since a GET waits for that long; ReadHeaderTimeout should be
// set. Engine bounds bodies and writes by deadlines of its own. Server.Shutdown is to
// be called before http.Server.Shutdown, which waits for GETs. Several servers behind
// one address need a balancer that sends all requests of a session to the same one,
// or Config.DisablePolling.
package engine

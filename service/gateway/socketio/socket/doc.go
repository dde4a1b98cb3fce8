// Package socket serves Socket.IO 5, to clients of version 3 and 4: named events
// with arguments, acknowledgements both ways, and namespaces, on the sessions of
// package engine. It knows nothing of what the events are about.
//
//	server, err := socket.New(socket.Config{
//		Namespaces: map[string]socket.Connect{"/": connect},
//	})
//	mux.Handle("/socket.io/", server)
//	…
//	err = server.Shutdown(ctx)
//
//	func connect(s *socket.Socket) error {
//		realm := s.Handshake().Query.Get("realm")
//		if !known(realm, s.Auth()) {
//			return &socket.Refusal{Message: "unauthorized"}
//		}
//		s.On("isLock", func(e *socket.Event) {
//			err := s.Go(func(ctx context.Context) {
//				answer := ask(ctx, realm, e.Args)
//				_ = s.Emit(e.Name, answer)
//				_ = e.Ack(answer)
//			})
//			if err != nil {
//				_ = s.Emit(e.Name, refused(e.Args))
//			}
//		})
//		s.OnDisconnect(func(reason socket.Reason) { leave(s.ID()) })
//		return nil
//	}
//
// # A socket
//
// A [Socket] is a client that is connected to a namespace, once: it has an id of its
// own, what its client authenticates with, the request that its connection began
// with, and a context that ends with it. [Connect] is called with it before anything
// else of the client is read, so no event comes before its handler. What Connect
// emits follows the answer to the client.
//
// # What is called, and when
//
//  1. Connect and the handlers of all sockets of a connection are called one at a
//     time, in the order in which the client sent. Until they return, nothing more is
//     read, also no answer to a ping; so what takes long belongs in [Socket.Go].
//  2. What Go runs has the context of the socket, and returns when that ends. There
//     are at most Config.MaxRunning of it; more is refused with ErrBusy, for the handler
//     to say so to the client.
//  3. The functions of [Socket.OnDisconnect] are called last, once all of that has
//     returned: nothing of the socket happens after them.
//
// Emit, Ack and Disconnect never block, and may be called from anywhere. What they
// send goes out in the order of the calls, an event with its attachments as one.
//
// # What is refused
//
// A packet that is malformed, an event before the connect, a second connect, more than
// a thousand attachments: each ends the connection. An event that is larger than
// engine.Config.MaxPayload, but not than MaxRead, or has more attachments than
// Config.MaxAttachments comes to its handler with an error, and what was sent with it is
// thrown away: see Data.Err. A connect that is as large, a namespace that
// there is not, and too many of them, are answered with an error. A client that is
// connected to no namespace for Config.ConnectTimeout is closed. Packets to a namespace
// that the client has left, or was disconnected from and may not know yet, are ignored.
//
// Arguments are passed on as they came: numbers keep their digits, and objects the
// order of their members. Connection state recovery is not offered.
package socket

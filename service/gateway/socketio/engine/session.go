package engine

import (
	"context"
	"iter"
	"sync"
	"time"
)

// Receiver is told what happens to a session, one call at a time, in the order
// in which it happened.
type Receiver interface {
	// Message is a message of the client. Until it returns nothing more is read
	// from the client, its answers to pings included, so it must not take long.
	Message(Message)
	// Closed is the last call: the session has ended, and why.
	Closed(reason error)
}

// Session is one client, over whichever transport. Its methods may be called from
// any goroutine, also by its receiver, and never block.
type Session struct {
	id        string
	handshake Handshake
	server    *Server
	receiver  Receiver
	ctx       context.Context
	cancel    context.CancelCauseFunc

	in turn // held while the receiver is called

	mu      sync.Mutex
	core    core          // guarded by mu, as are all below
	get     chan reply    // has room for the answer to the GET that waits
	wire    *wire         // the websocket that carries the session
	probe   *wire         // the websocket that wants to
	writing bool          // a goroutine writes to wire
	timer   *time.Timer   // ticks
	tickAt  time.Time     // when the timer ticks
	told    bool          // the receiver is being told of the end
	written chan struct{} // closed when there may be room, nil while nobody waits for that
	left    bool          // the server has forgotten the session
}

// turn is a lock that may be held for long. Tests in a bubble see who waits for it,
// as they do not with a mutex.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take() { t <- struct{}{} }

func (t turn) leave() { <-t }

// ID returns the id of the session, which is a secret of its client.
func (s *Session) ID() string { return s.id }

// Handshake returns the request that the session began with.
func (s *Session) Handshake() Handshake { return s.handshake }

// Context is canceled when the session ends. Its cause is why.
func (s *Session) Context() context.Context { return s.ctx }

// Upgraded reports whether a websocket carries the session.
func (s *Session) Upgraded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.core.overSocket
}

// Send queues messages for the client, all or none, with nothing in between. If
// too much waits for the client already, the session ends with ErrSlowReader. In
// a session that has ended the error is the reason of that.
func (s *Session) Send(messages ...Message) error {
	packets, err := packetsOf(messages)
	if err != nil {
		return err
	}
	s.step(func(now time.Time) { err = s.core.send(now, packets) })
	return err
}

// packetsOf are the packets of messages, if all can be sent.
func packetsOf(messages []Message) ([]packet, error) {
	packets := make([]packet, len(messages))
	for i, m := range messages {
		if err := m.check(); err != nil {
			return nil, err
		}
		packets[i] = m.packet()
	}
	return packets, nil
}

// Close ends the session with a reason, ErrClosed if it is nil. What was sent
// before still reaches a client that reads it.
func (s *Session) Close(reason error) {
	if reason == nil {
		reason = ErrClosed
	}
	s.step(func(now time.Time) {
		s.core.end(now, ending{reason: reason, farewell: kindClose, linger: s.server.config.CloseTimeout})
	})
}

// Abort ends the session with a reason, ErrClosed if it is nil, at once. What the
// client has not read is lost.
func (s *Session) Abort(reason error) {
	if reason == nil {
		reason = ErrClosed
	}
	s.step(func(now time.Time) { s.core.end(now, broken(reason)) })
}

// discard ends what is left of a session.
func (s *Session) discard(reason error) {
	s.step(func(now time.Time) { s.core.lost(now, reason) })
}

// step lets the core do something, and then does what follows from it.
func (s *Session) step(do func(now time.Time)) {
	if s.act(do) {
		go func() {
			defer s.server.running.Done()
			s.write()
		}()
	}
}

// act is step for a caller who has something written when he is told to. Until then
// that counts as running.
func (s *Session) act(do func(now time.Time)) (write bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	do(now)
	if r, ok := s.core.answer(now); ok {
		s.get <- r
		s.roomier()
	}
	if s.core.phase != alive {
		s.roomier()
		s.tell()
	}
	switch {
	case s.core.phase == gone:
		s.leave()
	case s.wire != nil && !s.writing && (!s.core.out.empty() || s.core.phase == leaving):
		s.writing, write = true, true
		s.server.running.Add(1)
	}
	s.arm(now)
	return write
}

// tell tells the receiver of the end, once what it is busy with is done.
func (s *Session) tell() {
	if s.told {
		return
	}
	s.told = true
	s.cancel(s.core.reason)
	reason := s.core.reason
	s.server.running.Go(func() {
		s.in.take()
		defer s.in.leave()
		s.receiver.Closed(reason)
	})
}

// leave lets go of what the session holds.
func (s *Session) leave() {
	if s.left {
		return
	}
	s.left = true
	for _, ws := range []*wire{s.wire, s.probe} {
		if ws != nil {
			ws.cut()
		}
	}
	s.server.forget(s)
}

// arm sets the timer to when there is something to do. A timer that is set counts
// as running, so that the server waits for its goroutine, too.
func (s *Session) arm(now time.Time) {
	at := s.core.next()
	if at.Equal(s.tickAt) {
		return
	}
	s.tickAt = at
	switch {
	case at.IsZero():
		if s.timer != nil && s.timer.Stop() {
			s.server.running.Done()
		}
	case s.timer == nil:
		s.server.running.Add(1)
		s.timer = time.AfterFunc(at.Sub(now), s.tick)
	case !s.timer.Reset(at.Sub(now)):
		s.server.running.Add(1)
	}
}

func (s *Session) tick() {
	defer s.server.running.Done()
	s.step(func(now time.Time) {
		s.tickAt = time.Time{}
		s.core.tick(now)
	})
}

// receive takes packets of the client, up to the first that is none. Of a session that
// has ended none are looked for.
func (s *Session) receive(packets iter.Seq2[packet, error]) error {
	s.in.take()
	defer s.in.leave()
	for p, err := range packets {
		deliver := false
		if err == nil {
			if p.cut {
				s.server.config.Oversized()
			}
			s.step(func(now time.Time) { deliver, err = s.core.receive(now, p) })
		}
		if err != nil {
			return err
		}
		if deliver {
			s.receiver.Message(p.message())
		}
		if s.ctx.Err() != nil {
			return nil
		}
	}
	return nil
}

// write writes to the websocket what there is to write. Then, if the session has
// ended, it closes the websocket.
func (s *Session) write() {
	for s.put(s.batch()) {
	}
}

// put writes a batch, and reports whether there may be another.
func (s *Session) put(packets []packet, last bool) bool {
	if len(packets) > 0 {
		if err := s.wire.write(packets...); err != nil {
			s.discard(err)
		}
		return true
	}
	if last {
		s.wire.close()
		s.discard(nil)
	}
	return false
}

// batch returns what is to be written next. If that is nothing, there is no
// writer any more, and it reports whether the session has ended.
func (s *Session) batch() (packets []packet, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.core.out.written()
	s.roomier()
	if s.core.phase == gone {
		return nil, false
	}
	if packets = s.core.out.take(); len(packets) == 0 {
		s.writing = s.core.phase == leaving // closing is the last that is done
		return nil, s.core.phase == leaving
	}
	return packets, false
}

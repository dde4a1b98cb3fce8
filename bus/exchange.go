package bus

import (
	"sync"
	"time"
)

// Exchange is a request that waits long and is repeated meanwhile, from one inbox
// until that is answered. An inbox has one answer: with it the inbox is known to
// whoever listens to all of them, and a second answer there could be anybody's. A
// repeat is sent from a new one then. The server's word that nobody listens is no
// such answer: only the caller sees it.
type Exchange struct {
	caller  *Caller
	answers chan *Answer

	mu     sync.Mutex
	id     uint64
	spent  bool // the id has had its answer
	closed bool
	look   *time.Timer
}

// exchangeAnswers is how many answers are kept for who does not read them.
const exchangeAnswers = 16

// Open starts an exchange. It costs the server nothing until Send.
func (c *Caller) Open() *Exchange {
	e := &Exchange{caller: c, answers: make(chan *Answer, exchangeAnswers)}
	e.id = c.wait(e)
	return e
}

// Hand hands the request to the service in this process, as it is before it is encoded,
// and reports whether there was one for it. It does not while there is no connection, by
// which the request can be repeated and the caller be known to be alive. The first answer may
// be ErrNotYet.
func (e *Exchange) Hand(subject string, message any) bool {
	if e.caller.local == nil || !e.caller.Connected() {
		return false
	}
	if !e.caller.local.deliver(&Request{Subject: subject, Reply: e.caller.reply(e.inbox()), Given: message}) {
		return false
	}
	e.caller.handovers.add(e)
	return true
}

// notYet says so, unless there has been an answer, or none is waited for.
func (e *Exchange) notYet() {
	e.mu.Lock()
	over := e.spent || e.closed
	e.mu.Unlock()
	if !over {
		e.keep(&notYet)
	}
}

var notYet = Answer{Err: ErrNotYet}

// Send sends the request, or repeats it, to any service of the queue. Errors:
// ErrDisconnected, ErrTooLarge; that nobody listens, or that it is denied, comes as an
// answer.
func (e *Exchange) Send(subject, contentType string, body []byte) error {
	if !e.caller.Connected() {
		return ErrDisconnected
	}
	denied := watchDenied(e.caller.nc, subject, e.caller.inbox)
	if err := e.caller.publish(subject, e.inbox(), contentType, body); err != nil {
		return err
	}
	e.lookLater(denied)
	return nil
}

// lookLater looks, after a while, whether what was sent was denied.
func (e *Exchange) lookLater(denied func() error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	if e.look != nil {
		e.look.Stop()
	}
	e.look = time.AfterFunc(deniedAfter, func() {
		if !e.caller.Connected() {
			return // nor can the connection be asked
		}
		if err := denied(); err != nil {
			e.keep(&Answer{Err: err})
		}
	})
}

// inbox is the id to send from: the last one, unless it has had its answer.
func (e *Exchange) inbox() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.spent && !e.closed {
		e.id, e.spent = e.caller.wait(e), false
	}
	return e.id
}

// receive takes an answer to an id that was sent from. The id of another that came at the
// same time may be gone by then.
func (e *Exchange) receive(id uint64, a *Answer) {
	if a.Err == nil {
		e.mu.Lock()
		e.spent = e.spent || id == e.id
		e.mu.Unlock()
	}
	e.keep(a)
}

// keep keeps an answer; when there is no room for it, it is dropped.
func (e *Exchange) keep(a *Answer) {
	select {
	case e.answers <- a:
	default:
	}
}

// Answers is where the answers come. It is never closed.
func (e *Exchange) Answers() <-chan *Answer { return e.answers }

// Close ends the exchange: later answers are dropped.
func (e *Exchange) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.spent {
		e.caller.forget(e.id)
	}
	e.closed = true
	if e.look != nil {
		e.look.Stop()
	}
}

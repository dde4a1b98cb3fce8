package bus

import (
	"sync"
	"time"
)

// Exchange is a request that waits long and is repeated meanwhile: all answers
// come to one inbox.
type Exchange struct {
	caller  *Caller
	id      uint64
	answers chan *Answer

	mu     sync.Mutex
	closed bool
	look   *time.Timer
}

// exchangeAnswers is how many answers are kept for who does not read them;
// a waiting request has one and few duplicates.
const exchangeAnswers = 16

// Open starts an exchange. It costs the server nothing until Send.
func (c *Caller) Open() *Exchange {
	e := &Exchange{caller: c, answers: make(chan *Answer, exchangeAnswers)}
	e.id = c.wait(e.receive)
	return e
}

// Send sends the request, or repeats it. Errors: ErrDisconnected, ErrTooLarge;
// that nobody listens, or that it is denied, comes as an answer.
func (e *Exchange) Send(subject, contentType string, body []byte) error {
	denied := watchDenied(e.caller.nc, subject, e.caller.inbox)
	if err := e.caller.publish(subject, e.id, contentType, body); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	if e.look != nil {
		e.look.Stop()
	}
	e.look = time.AfterFunc(deniedAfter, func() {
		if err := denied(); err != nil {
			e.receive(&Answer{Err: err})
		}
	})
	return nil
}

// receive keeps an answer; when there is no room for it, it is dropped.
func (e *Exchange) receive(a *Answer) {
	select {
	case e.answers <- a:
	default:
	}
}

// Answers is where the answers come. It is never closed.
func (e *Exchange) Answers() <-chan *Answer { return e.answers }

// Close ends the exchange: later answers are dropped.
func (e *Exchange) Close() {
	e.caller.forget(e.id)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	if e.look != nil {
		e.look.Stop()
	}
}

package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// request is a request to the service. However often it is sent, it is the
// same: that is what makes repeating it safe.
type request struct {
	subject string
	message schema.Message
	body    []byte          // encoded, when it was needed
	every   time.Duration   // it is sent again when unanswered for so long
	until   instant         // it is given up then
	waits   bool            // no answer is no bad sign
	stop    <-chan struct{} // it is given up when closed: ErrClosed
	over    <-chan struct{} // and errOver; nil is never

	// It tells of a connection, and is given up when that is made anew: then
	// this is closed. Of others it is nil.
	rejoined <-chan struct{}
}

// errOver is the error of an acquire whose session has ended.
var errOver = errors.New("the session has ended")

// answer is what decided a request.
type answer struct {
	*schema.Reply
	sent  instant // first: nothing that it did was done before
	sends int     // but those that nobody has heard
}

// sole tells whether it is the grant of an acquire of which no other copy is on its way.
func (a *answer) sole() bool { return a.sends == 1 && a.Status == schema.StatusGranted }

// asking is a request on its way.
type asking struct {
	c        *Client
	request  *request
	exchange *bus.Exchange
	timer    *time.Timer // nil: it was not set yet
	answer   answer
	ends     instant // it is given up then, or ctx ends
	handed   bool    // it was handed over just now, and the answer is the next that happens
	failures int     // in a row
	trouble  error   // why there is no answer, as far as that is known
}

// ask sends a request and repeats it, after a failure or silence and whenever
// the connection is made anew, until it is decided, given up or ctx ends. Only
// a reply decides: for all that an error tells, the request may have been done
// or may be yet. An error is ErrUnavailable, ErrTimeout (if the request waits),
// ErrCanceled, ErrClosed, ErrDenied, ErrInvalid or (for an answer that is none)
// ErrInternal.
func (c *Client) ask(ctx context.Context, r *request) (answer, error) {
	if ctx.Err() != nil {
		return answer{}, givenUp(ctx, r, nil)
	}
	a := asking{c: c, request: r, exchange: c.caller.Open(), ends: r.until}
	if deadline, ok := ctx.Deadline(); ok {
		a.ends = min(a.ends, deadline.Sub(c.began))
	}
	defer a.close()
	for {
		rejoined := r.rejoined
		if rejoined == nil {
			rejoined = c.caller.Reconnected()
		}
		if err := a.send(); err != nil {
			return a.answer, err
		}
		if again, err := a.listen(ctx, rejoined); !again {
			return a.answer, err
		}
	}
}

// send sends the request once. What may pass is no error.
func (a *asking) send() error {
	now := a.c.now()
	err := a.hand()
	switch {
	case err == nil:
		if a.answer.sends++; a.answer.sends == 1 {
			a.answer.sent = now
		}
		a.trouble = nil
		if a.handed = a.handed && a.ends-now > 2*bus.Prompt; !a.handed {
			a.wakeLater()
		}
		return nil
	case errors.Is(err, bus.ErrTooLarge):
		return invalid(err)
	case a.c.caller.Closed():
		return &Error{Status: schema.StatusUnavailable, cause: nats.ErrConnectionClosed}
	case errors.Is(err, bus.ErrDisconnected):
		a.later(err)
		return nil
	}
	return fmt.Errorf("send: %w", err)
}

// hand hands the request to the service in this process, if there is one, the first
// time; it may be the one that cannot decide. Else it sends it.
func (a *asking) hand() error {
	r := a.request
	if a.c.options.Local != nil && a.answer.sends == 0 && a.failures == 0 {
		if m := given(r.message); m != nil && a.exchange.Hand(r.subject, m) {
			a.handed = true
			return nil
		}
	}
	a.handed = false
	if r.body == nil {
		r.body = schema.Append(nil, schema.MessagePack, r.message)
	}
	return a.exchange.Send(r.subject, "", r.body)
}

// given is a message as a service in this process can take it, a copy; nil if it is to be
// encoded: only requests for one lock are so many that it matters.
func given(m schema.Message) schema.Message {
	switch m := m.(type) {
	case *schema.Acquire:
		own := *m
		if own.TTL != nil {
			own.TTL = new(*own.TTL)
		}
		meta, err := canonical(own.Meta)
		if own.Meta = meta; err == nil && own.Name != "" {
			return &own
		}
	case *schema.Release:
		if own := *m; own.Name != "" {
			return &own
		}
	}
	return nil
}

// canonical is a meta in the one form that it has after it was encoded.
func canonical(m schema.Meta) (schema.Meta, error) {
	if len(m) == 0 {
		return nil, nil
	}
	return schema.ParseMeta(m)
}

// listenPromptly waits for the answer to what was handed over, or for the word that there
// is none yet.
func (a *asking) listenPromptly() (decided bool, err error) {
	decided, err = a.take(<-a.exchange.Answers())
	if !decided && err == nil && a.trouble == nil {
		a.wakeLater()
	}
	return decided, err
}

// listen waits for what decides the request, or until it is to be sent again.
func (a *asking) listen(ctx context.Context, rejoined <-chan struct{}) (again bool, err error) {
	if a.handed {
		if decided, err := a.listenPromptly(); decided || err != nil {
			return false, err
		}
	}
	for {
		select {
		case got := <-a.exchange.Answers():
			if decided, err := a.take(got); decided || err != nil {
				return false, err
			}
		case <-a.timer.C:
			if a.c.now() >= a.request.until {
				return false, givenUp(ctx, a.request, a.trouble)
			}
			return true, nil
		case <-rejoined:
			if a.request.rejoined != nil {
				return false, givenUp(ctx, a.request, bus.ErrDisconnected)
			}
			a.failures = 0
			return true, nil
		case <-ctx.Done():
			return false, givenUp(ctx, a.request, a.trouble)
		case <-a.request.stop:
			return false, ErrClosed
		case <-a.request.over:
			return false, errOver
		}
	}
}

// take reads an answer and tells whether it decides the request.
func (a *asking) take(got *bus.Answer) (decided bool, err error) {
	switch {
	case errors.Is(got.Err, bus.ErrNotYet):
		return false, nil
	case errors.Is(got.Err, bus.ErrDenied):
		return false, &Error{Status: schema.StatusDenied, cause: got.Err}
	case got.Err != nil:
		if errors.Is(got.Err, bus.ErrNoService) {
			a.answer.sends--
		}
		a.later(got.Err)
		return false, nil
	}
	if reply, ok := got.Given.(*schema.Reply); ok {
		return a.decide(reply), nil
	}
	reply := new(schema.Reply)
	err = schema.Decode(schema.Detect(got.ContentType, got.Body), got.Body, reply)
	if err != nil || !reply.Status.Valid() {
		return false, &Error{Status: schema.StatusInternal, Message: "unreadable answer", cause: err}
	}
	return a.decide(reply), nil
}

// decide tells whether a reply decides the request.
func (a *asking) decide(reply *schema.Reply) bool {
	if reply.Status == schema.StatusUnavailable {
		a.later(errors.New(reply.Message))
		return false
	}
	a.answer.Reply = reply
	return true
}

// later puts off the next sending, each time longer, because this one failed.
func (a *asking) later(why error) {
	a.trouble = &Error{Status: schema.StatusUnavailable, cause: why}
	a.wake(backoff(a.failures))
	a.failures++
}

// wakeLater sets the time of the next sending after one that was no failure.
func (a *asking) wakeLater() {
	a.wake(a.request.every - rand.N(a.request.every/8+1)) // not all at once
}

// wake sets the time of the next sending.
func (a *asking) wake(d time.Duration) {
	d = min(d, max(0, a.request.until-a.c.now()))
	if a.timer == nil {
		a.timer = time.NewTimer(d)
		return
	}
	a.timer.Reset(d)
}

func (a *asking) close() {
	a.exchange.Close()
	if a.timer != nil {
		a.timer.Stop()
	}
}

// givenUp is the error of a request that was not decided in time.
func givenUp(ctx context.Context, r *request, trouble error) error {
	e := &Error{Status: schema.StatusUnavailable, cause: trouble}
	if r.waits {
		e.Status = schema.StatusTimeout
	}
	err := ctx.Err()
	if err == nil {
		return e
	}
	if errors.Is(err, context.Canceled) {
		e.Status = schema.StatusCanceled
	}
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	e.cause = err
	if trouble != nil {
		e.cause = fmt.Errorf("%w: %w", err, trouble)
	}
	return e
}

const (
	minBackoff = 20 * time.Millisecond
	maxBackoff = 2 * time.Second
)

// backoff is how long to wait after a number of failures in a row: twice as
// long each time, the half of it by chance.
func backoff(failures int) time.Duration {
	d := maxBackoff
	if failures < 7 {
		d = min(minBackoff<<failures, maxBackoff)
	}
	return d/2 + rand.N(d/2)
}

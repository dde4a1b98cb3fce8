package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/fan"
)

const heartbeat = 15 * time.Second // between comment lines

// events tells what happens in a realm, until the caller hangs up, is too slow, or
// some may have been missed. What was missed cannot be told: the reader comes back,
// and looks how things stand.
func (x *exchange) events() {
	waited := x.connection.Wait()
	if waited == nil {
		x.refuse(schema.StatusLimit, fmt.Sprintf("waiters: more than %d on one connection", x.server.door.Limits().Waiters))
		return
	}
	defer waited()
	ctx, stop := x.server.gateway.Waiting(x.r.Context(), false)
	defer stop()
	reader, err := x.server.gateway.Watch(ctx, x.realm)
	if err != nil {
		x.failed(err)
		return
	}
	defer reader.Close()
	s := &stream{w: x.w, control: http.NewResponseController(x.w), reader: reader}
	defer s.hasten()()
	x.code = http.StatusOK
	if x.r.Method == http.MethodHead { // what has no body has no end either
		s.head()
		return
	}
	err = s.run()
	x.server.config.Logger.Debug("http: the end of a stream of events", "realm", x.realm, "told", s.count, "why", err)
}

// stream is what one reader of events is sent.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	reader  *gateway.Reader
	count   uint64
}

// hasten ends what is being written, which nobody reads, when the reader is cut off.
// done is called at the end of the stream.
func (s *stream) hasten() (done func()) {
	hastened := make(chan struct{})
	ctx := s.reader.Context()
	stop := context.AfterFunc(ctx, func() {
		defer close(hastened)
		if errors.Is(context.Cause(ctx), fan.ErrBehind) {
			_ = s.control.SetWriteDeadline(time.Now()) // of a connection that is gone: then there is nothing to end
		}
	})
	return func() {
		if !stop() {
			<-hastened
		}
	}
}

// head begins the answer.
func (s *stream) head() {
	s.w.Header().Set("Content-Type", "text/event-stream")
	s.w.WriteHeader(http.StatusOK)
}

// run writes what there is to tell, and returns why it has ended.
func (s *stream) run() error {
	s.head()
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	if err := s.send([]byte(": natslock\n\n")); err != nil {
		return err
	}
	for {
		more, err := s.tell()
		if err != nil {
			return err
		}
		select {
		case <-more:
		case <-s.reader.Context().Done():
		case <-tick.C:
			if err := s.send([]byte(":\n\n")); err != nil {
				return err
			}
		}
	}
}

const (
	maxText = 32 << 10 // is about how much is written at once
	maxTake = 64       // events
)

// texts are used again: only who is just written to needs one.
var texts = sync.Pool{New: func() any { return new([]byte) }}

// tell writes the events that the reader has not had. more is closed when there are
// others.
func (s *stream) tell() (more <-chan struct{}, err error) {
	var taken [maxTake]*gateway.Told
	var n int
	for {
		if n, more, err = s.reader.Take(taken[:]); n == 0 {
			return more, err
		}
		if err := s.write(taken[:n]); err != nil {
			return nil, err
		}
	}
}

// write writes events, as browsers read them.
func (s *stream) write(events []*gateway.Told) error {
	text := texts.Get().(*[]byte)
	defer texts.Put(text)
	*text = (*text)[:0]
	for i, e := range events {
		if e.Err != nil {
			return e.Err
		}
		*text = s.frame(*text, e)
		if len(*text) < maxText && i < len(events)-1 {
			continue
		}
		if err := s.send(*text); err != nil {
			return err
		}
		*text = (*text)[:0]
	}
	return nil
}

func (s *stream) frame(text []byte, e *gateway.Told) []byte {
	s.count++
	text = append(text, "event: "...)
	text = append(text, e.Type...)
	text = append(text, "\nid: "...)
	text = strconv.AppendUint(text, s.count, 10)
	text = append(text, "\ndata: "...)
	text = append(text, e.JSON...)
	return append(text, "\n\n"...)
}

func (s *stream) send(text []byte) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if ctx := s.reader.Context(); ctx.Err() != nil { // cut off meanwhile, with a deadline that was just moved
		return context.Cause(ctx)
	}
	if _, err := s.w.Write(text); err != nil {
		return err
	}
	return s.control.Flush()
}

package httpapi

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
)

const (
	maxBehind = 1000             // events, after which a reader is cut off
	heartbeat = 15 * time.Second // between comment lines
)

var errBehind = errors.New("the reader is too far behind")

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
	s := &stream{w: x.w, control: http.NewResponseController(x.w), events: make(chan schema.Event, maxBehind)}
	s.ctx, s.end = context.WithCancelCause(ctx)
	defer s.end(nil)
	events, err := x.server.gateway.Watch(s.ctx, &client.WatchOptions{Realm: x.realm})
	if err != nil {
		x.failed(err)
		return
	}
	pumped := make(chan struct{})
	go func() {
		defer close(pumped)
		s.pump(events)
	}()
	x.code = http.StatusOK
	err = s.run()
	s.end(nil)
	<-pumped
	x.server.config.Logger.Debug("http: the end of a stream of events", "realm", x.realm, "told", s.count, "why", err)
}

// stream is one reader of events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	events  chan schema.Event
	ctx     context.Context
	end     context.CancelCauseFunc
	count   uint64
	text    []byte
}

// pump hands the events over to run, and ends the stream when there is no room.
func (s *stream) pump(events iter.Seq2[client.Event, error]) {
	for e, err := range events {
		if err == nil && !e.Type.Valid() {
			continue // not from a worker
		}
		if err != nil {
			s.cut(err)
			return
		}
		select {
		case s.events <- e:
		default:
			s.cut(errBehind)
			return
		}
	}
}

// cut ends the stream, also while something is being written that nobody reads.
func (s *stream) cut(why error) {
	s.end(why)
	_ = s.control.SetWriteDeadline(time.Now()) // of a connection that is gone: then there is nothing to end
}

// run writes what there is to tell, and returns why it has ended.
func (s *stream) run() error {
	s.w.Header().Set("Content-Type", "text/event-stream")
	s.w.WriteHeader(http.StatusOK)
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	if err := s.send([]byte(": natslock\n\n")); err != nil {
		return err
	}
	for {
		select {
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		case <-tick.C:
			if err := s.send([]byte(":\n\n")); err != nil {
				return err
			}
		case e := <-s.events:
			if err := s.send(s.frames(&e)); err != nil {
				return err
			}
		}
	}
}

// maxText is about how much is written at once.
const maxText = 64 << 10

// frames are an event and those that wait behind it, as browsers read them.
func (s *stream) frames(e *schema.Event) []byte {
	s.text = s.text[:0]
	for {
		s.frame(e)
		if len(s.text) >= maxText {
			return s.text
		}
		select {
		case next := <-s.events:
			e = &next
		default:
			return s.text
		}
	}
}

func (s *stream) frame(e *schema.Event) {
	s.count++
	s.text = append(s.text, "event: "...)
	s.text = append(s.text, e.Type...)
	s.text = append(s.text, "\nid: "...)
	s.text = strconv.AppendUint(s.text, s.count, 10)
	s.text = append(s.text, "\ndata: "...)
	s.text = schema.Append(s.text, schema.JSON, e)
	s.text = append(s.text, "\n\n"...)
}

func (s *stream) send(text []byte) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if err := s.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if s.ctx.Err() != nil { // cut off meanwhile, with a deadline that was just moved
		return context.Cause(s.ctx)
	}
	if _, err := s.w.Write(text); err != nil {
		return err
	}
	return s.control.Flush()
}

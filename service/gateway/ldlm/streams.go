package ldlm

import (
	"context"
	"sync"

	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/tap"

	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// Of a connection, so many calls are remembered that were granted a lock and answered:
// until then a reset may come from a client that has not seen the answer. Older ones
// are taken for delivered.
const maxGranted = 64

// maxStreams bounds what is known of a connection, beyond what gRPC bounds.
const maxStreams = 1 << 12

// call is one of a client, while it may be reset.
type call struct {
	of       *streams
	stream   uint32
	answered bool // the whole answer is written
	reset    bool
	undo     func() // gives up what was granted
}

// streams are the calls of a connection that may be reset. The zero streams is usable.
type streams struct {
	mu      sync.Mutex
	calls   map[uint32]*call
	granted []uint32 // that were granted something and are answered, oldest first
}

// begin takes note of a call. It is nil if there are too many.
func (ss *streams) begin(stream uint32) *call {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if len(ss.calls) >= maxStreams {
		return nil
	}
	if ss.calls == nil {
		ss.calls = map[uint32]*call{}
	}
	c := &call{of: ss, stream: stream}
	ss.calls[stream] = c
	return c
}

// grant takes note of what the call has got, unless its client has given it up. A nil
// call cannot be given up.
func (c *call) grant(undo func()) bool {
	if c == nil {
		return true
	}
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if !c.reset {
		c.undo = undo
	}
	return !c.reset
}

// end takes note that the call's handler has returned. What was granted may not be
// answered yet.
func (c *call) end() {
	ss := c.of
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if c.undo == nil {
		delete(ss.calls, c.stream)
	}
}

// read takes note of a frame of the client. Without an error it is how a client ends a
// call whose answer it has.
func (ss *streams) read(f frame) {
	if f.kind == frameReset {
		ss.giveUp(f.stream, f.code != resetNoError)
	}
}

// written takes note of a frame that is about to be written. gRPC may reset a stream
// that it has answered just before, and the client has its answer then.
func (ss *streams) written(f frame) {
	switch {
	case f.ends():
		ss.answer(f.stream)
	case f.kind == frameReset:
		ss.giveUp(f.stream, false)
	}
}

// answer takes note that a call is answered.
func (ss *streams) answer(stream uint32) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	c := ss.calls[stream]
	switch {
	case c == nil:
		return
	case c.undo == nil:
		delete(ss.calls, stream)
		return
	}
	c.answered = true
	ss.granted = append(ss.granted, stream)
	if len(ss.granted) > maxGranted {
		delete(ss.calls, ss.granted[0])
		ss.granted = append(ss.granted[:0], ss.granted[1:]...)
	}
}

// giveUp has a call given up, one that is answered or only one that is not.
func (ss *streams) giveUp(stream uint32, answered bool) {
	ss.mu.Lock()
	c := ss.calls[stream]
	var undo func()
	if c != nil && (answered || !c.answered) {
		c.reset = true
		undo, c.undo = c.undo, nil
		if !c.answered {
			delete(ss.calls, stream)
		}
	}
	ss.mu.Unlock()
	if undo != nil {
		undo()
	}
}

// callKey is where the context of a call has it.
type callKey struct{}

// callOf is the call of a context; nil is one that cannot be reset.
func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// arrive takes note of a call for a lock, while its frame is being read.
func arrive(ctx context.Context, info *tap.Info) (context.Context, error) {
	c := connOf(ctx)
	if c == nil || ctx.Err() != nil || info.FullMethodName != pb.LDLM_Lock_FullMethodName && info.FullMethodName != pb.LDLM_TryLock_FullMethodName {
		return ctx, nil
	}
	return context.WithValue(ctx, callKey{}, c.streams.begin(c.frames.stream)), nil
}

// HandleRPC takes note of the end of a call.
func (watcher) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, ended := s.(*stats.End); !ended {
		return
	}
	if c := callOf(ctx); c != nil {
		c.end()
	}
}

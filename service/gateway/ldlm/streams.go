package ldlm

import (
	"context"
	"sync"

	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/tap"

	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// Of a connection, so many calls are remembered that were granted a lock and answered:
// until then a reset may come from a client that has not seen the answer. Further ones
// are taken for delivered.
const maxGranted = 64

// maxStreams bounds what is known of a connection, beyond what gRPC bounds.
const maxStreams = 1 << 12

// call is one of a client, while it may be reset.
type call struct {
	of     *streams
	stream uint32
	reset  bool
	undo   func() // gives up what was granted
}

// streams are the calls of a connection that may be reset. The zero streams is usable.
type streams struct {
	mu      sync.Mutex
	calls   map[uint32]*call
	granted []uint32 // that are answered, oldest first
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

// end takes note that the call is answered.
func (c *call) end() {
	ss := c.of
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if c.undo == nil {
		delete(ss.calls, c.stream)
		return
	}
	ss.granted = append(ss.granted, c.stream)
	if len(ss.granted) > maxGranted {
		delete(ss.calls, ss.granted[0])
		ss.granted = append(ss.granted[:0], ss.granted[1:]...)
	}
}

// reset has a call given up.
func (ss *streams) reset(stream uint32) {
	ss.mu.Lock()
	c := ss.calls[stream]
	var undo func()
	if c != nil {
		c.reset = true
		undo, c.undo = c.undo, nil
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

package ldlm

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/natslock/natslock/service/gateway"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// TestWhoGivesUpHoldsNothing has clients wait for a lock and give up at any moment
// before, while and after they are granted it. What they were not told of nobody holds.
func TestWhoGivesUpHoldsNothing(t *testing.T) {
	const rounds = 100
	for _, way := range []struct {
		name string
		keep bool
		// within returns how a client gives up after a time, and its context.
		within func(*testing.T, caller, time.Duration) (context.Context, func())
	}{
		{"cancel", false, canceled}, {"cancel what is kept", true, canceled},
		{"deadline", false, deadlined}, {"deadline of what is kept", true, deadlined},
		{"hang up", false, hungUp},
	} {
		t.Run(way.name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 0))
			d := openDoor(t, nil, gateway.Limits{}, Config{Keep: way.keep})
			a, b := d.dial(t), d.dial(t)
			for range rounds {
				if way.name == "hang up" {
					b = d.dial(t)
				}
				// What was given up in the round before may come late, and be granted for a moment.
				held := <-a.locking(t.Context(), &pb.LockRequest{Name: "x", WaitTimeoutSeconds: i32(300)})
				if !held.GetLocked() {
					t.Fatalf("%+v: %+v", held, d.state(t, "x"))
				}
				key := held.GetKey()
				var both sync.WaitGroup
				release := time.Duration(random.IntN(2000)) * time.Microsecond
				ctx, giveUp := way.within(t, b, time.Duration(random.IntN(2000))*time.Microsecond)
				both.Go(func() {
					time.Sleep(release)
					a.unlock(t, "x", key)
				})
				got, err := b.Lock(ctx, &pb.LockRequest{Name: "x"})
				giveUp()
				both.Wait()
				if err == nil && way.name != "hang up" {
					b.unlock(t, "x", got.GetKey())
				}
				next := a.locking(t.Context(), &pb.LockRequest{Name: "x", WaitTimeoutSeconds: i32(300)})
				if got := <-next; !got.GetLocked() {
					t.Fatalf("%v, and after that %v: %+v", err, got, d.state(t, "x"))
				} else if u := a.unlock(t, "x", got.GetKey()); !u.GetUnlocked() {
					t.Fatal(u)
				}
			}
		})
	}
}

func canceled(t *testing.T, _ caller, after time.Duration) (context.Context, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	timer := time.AfterFunc(after, cancel)
	return ctx, func() {
		timer.Stop()
		cancel()
	}
}

func deadlined(t *testing.T, _ caller, after time.Duration) (context.Context, func()) {
	t.Helper()
	return context.WithTimeout(t.Context(), after)
}

func hungUp(t *testing.T, c caller, after time.Duration) (context.Context, func()) {
	t.Helper()
	timer := time.AfterFunc(after, func() { c.Close() })
	return t.Context(), func() {
		timer.Stop()
		c.Close()
	}
}

// TestAResetAfterTheAnswer has a client reset a call that is answered already: it has
// not seen the answer.
func TestAResetAfterTheAnswer(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	c, line := d.dialLine(t)
	reset := func(code byte) {
		if _, err := line().Write([]byte{0, 0, resetSize, frameReset, 0, 0, 0, 0, 1, 0, 0, 0, code}); err != nil {
			t.Fatal(err)
		}
	}
	c.mustTry(t, &pb.TryLockRequest{Name: "x"})
	reset(resetNoError)
	c.mustTry(t, &pb.TryLockRequest{Name: "y"})
	if h := d.state(t, "x").Holders; len(h) != 1 {
		t.Fatalf("%+v", h)
	}
	reset(8) // canceled
	d.free(t, "x")
	if h := d.state(t, "y").Holders; len(h) != 1 {
		t.Errorf("%+v", h)
	}
}

func TestFramesAreFollowedByteByByte(t *testing.T) {
	pass := func(kind byte, stream uint32, payload ...byte) []byte {
		n := len(payload)
		f := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, 0}
		return append(binary.BigEndian.AppendUint32(f, stream|1<<31), payload...)
	}
	sent, last := []byte(preface), pass(frameHeaders, 11, 1, 2)
	last[4] = 4 | flagEndStream
	for _, f := range [][]byte{
		pass(4, 0), pass(1, 1, make([]byte, 300)...), pass(0, 1), pass(3, 1, 0, 0, 0, 8), pass(3, 3, 0, 0, 0, 0),
		pass(6, 0, make([]byte, 8)...), pass(3, 5, 1, 0, 0, 0), pass(0, 7, make([]byte, 1<<16)...), pass(3, 9, 0, 0, 0, 1), last,
	} {
		sent = append(sent, f...)
	}
	for _, size := range []int{1, 2, 3, 5, 9, 13, 1000, len(sent)} {
		var reset, ended []uint32
		f := frames{seen: func(f frame) {
			if f.kind == frameReset && f.code != resetNoError {
				reset = append(reset, f.stream)
			}
			if f.ends() {
				ended = append(ended, f.stream)
			}
		}}
		for rest := sent; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			f.take(rest[:min(size, len(rest))])
		}
		if len(ended) != 1 || ended[0] != 11 {
			t.Errorf("in pieces of %d: %v have ended", size, ended)
		}
		if len(reset) != 3 || reset[0] != 1 || reset[1] != 5 || reset[2] != 9 || f.stream != 11 {
			t.Errorf("in pieces of %d: %v are reset, at %d", size, reset, f.stream)
		}
	}
}

func TestSoManyGrantsMayBeReset(t *testing.T) {
	const reset, last = frameReset, flagEndStream
	var ss streams
	undone := 0
	undo := func() { undone++ }
	for i := range uint32(100) {
		c := ss.begin(2*i + 1)
		if i%3 != 0 && !c.grant(undo) {
			t.Fatal(i)
		}
		ss.written(frame{kind: frameHeaders, stream: 2*i + 1})
		ss.written(frame{kind: frameHeaders, stream: 2*i + 1, flags: last})
		c.end()
	}
	waiting, granted := ss.begin(1001), ss.begin(1003)
	if !granted.grant(undo) || len(ss.calls) != maxGranted+2 {
		t.Errorf("%d are known", len(ss.calls))
	}
	granted.end()
	for i := range uint32(600) {
		ss.written(frame{kind: reset, stream: 2*i + 1, code: 8}) // after the answer
	}
	if undone != 1 || waiting.grant(func() {}) {
		t.Errorf("%d undone", undone)
	}
	for i := range uint32(600) {
		ss.read(frame{kind: reset, stream: 2*i + 1})
		ss.read(frame{kind: reset, stream: 2*i + 1, code: 8})
		ss.read(frame{kind: reset, stream: 2*i + 1, code: 8})
	}
	if undone != 1+maxGranted {
		t.Errorf("%d undone", undone)
	}
	for i := range uint32(2 * maxStreams) {
		ss.begin(2 * i)
	}
	if len(ss.calls) > maxStreams {
		t.Errorf("%d are known", len(ss.calls))
	}
}

// TestWhatWasNotBegunIsForgotten has calls refused without their handler: nothing but
// the answer tells of their end.
func TestWhatWasNotBegunIsForgotten(t *testing.T) {
	var ss streams
	ss.begin(1)
	ss.begin(3)
	ss.written(frame{kind: frameHeaders, stream: 1, flags: flagEndStream})
	ss.read(frame{kind: frameReset, stream: 3})
	if len(ss.calls) != 0 {
		t.Errorf("%d are known", len(ss.calls))
	}
}

package ldlm

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// history is what many callers asked and were told.
type history struct {
	tick    atomic.Int64 // orders calls and returns
	attempt atomic.Int64

	mu   sync.Mutex
	list []porcupine.Operation
}

// note takes note of a call that began at a tick, and returns now or, if forever, at
// any time that is to come.
func (h *history) note(by int, began int64, in asked, out told, forever bool) {
	o := porcupine.Operation{ClientId: by, Input: in, Output: out, Call: began, Return: h.tick.Add(1)}
	if forever {
		o.Return = math.MaxInt64
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, o)
}

// player is one who calls, by one connection after the other.
type player struct {
	*history
	t      *testing.T
	d      *opened
	number int
	r      *rand.Rand
	c      caller
	held   map[string][]held
}

type held struct {
	key     string
	attempt int
}

// play makes some calls.
func (p *player) play(steps int) {
	for range steps {
		name := fmt.Sprint("lock", p.r.IntN(2))
		switch k := p.r.IntN(20); {
		case k == 0:
			p.crash()
		case k == 1:
			p.look(name)
		case k < 4 && len(p.held[name]) > 0:
			p.renew(name)
		case k < 14 && len(p.held[name]) > 0:
			p.unlock(name)
		default:
			p.lock(name)
		}
	}
	p.crash()
}

// lock tries or waits, and now and then gives up.
func (p *player) lock(name string) {
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	if p.r.IntN(4) == 0 {
		timer := time.AfterFunc(time.Duration(p.r.IntN(5000))*time.Microsecond, cancel)
		defer timer.Stop()
	}
	in := asked{kind: asksLock, name: name, attempt: int(p.attempt.Add(1)), size: p.r.Int32N(2)*2 + 1}
	began := p.tick.Add(1)
	var r *pb.LockResponse
	var err error
	if p.r.IntN(2) == 0 {
		r, err = p.c.TryLock(ctx, &pb.TryLockRequest{Name: name, Size: &in.size, LockTimeoutSeconds: i32(3600)})
	} else {
		// Two who wait for each other end by the second.
		r, err = p.c.Lock(ctx, &pb.LockRequest{Name: name, Size: &in.size, LockTimeoutSeconds: i32(3600), WaitTimeoutSeconds: i32(1)})
	}
	if err != nil {
		if ctx.Err() == nil {
			p.t.Error(err)
		}
		p.note(p.number, began, in, told{failed: true}, true)
		p.note(p.number, began, asked{kind: gaveUp, name: name, attempt: in.attempt}, told{}, true)
		return
	}
	out := told{ok: r.GetLocked(), code: r.GetError().GetCode()}
	if out.ok {
		out.key = r.GetKey()
		p.held[name] = append(p.held[name], held{out.key, in.attempt})
	}
	p.note(p.number, began, in, out, false)
}

func (p *player) unlock(name string) {
	h := p.held[name][0]
	p.held[name] = p.held[name][1:]
	began := p.tick.Add(1)
	r, err := p.c.Unlock(p.t.Context(), &pb.UnlockRequest{Name: name, Key: h.key})
	if err != nil {
		p.t.Error(err)
		return
	}
	p.note(p.number, began, asked{kind: asksUnlock, name: name, key: h.key}, told{ok: r.GetUnlocked()}, false)
}

func (p *player) renew(name string) {
	key := p.held[name][0].key
	began := p.tick.Add(1)
	r, err := p.c.Renew(p.t.Context(), &pb.RenewRequest{Name: name, Key: key, LockTimeoutSeconds: 1000})
	if err != nil {
		p.t.Error(err)
		return
	}
	p.note(p.number, began, asked{kind: asksRenew, name: name, key: key}, told{ok: r.GetLocked()}, false)
}

// look asks by NATS who holds.
func (p *player) look(name string) {
	began := p.tick.Add(1)
	states, err := p.d.seen.Inspect(p.t.Context(), name)
	if err != nil {
		p.t.Error(err)
		return
	}
	var out told
	for _, h := range states[0].Holders {
		out.keys = append(out.keys, h.Owner)
	}
	p.note(p.number, began, asked{kind: asksSight, name: name}, out, false)
}

// crash ends the connection, with what it holds, and makes another.
func (p *player) crash() {
	began := p.tick.Add(1)
	p.c.Close()
	for name, all := range p.held {
		for _, h := range all {
			p.note(p.number, began, asked{kind: gaveUp, name: name, attempt: h.attempt}, told{}, true)
		}
	}
	p.held = map[string][]held{}
	p.c = p.d.dial(p.t)
}

// TestWhatIsAnsweredIsAHistory has callers of two gateways take, wait for, renew and
// release the same locks, give up and hang up, while the worker is restarted; and looks
// for an order in which all of the answers are true.
func TestWhatIsAnsweredIsAHistory(t *testing.T) {
	const players, steps, games = 6, 14, 3
	for range games {
		seed := rand.Uint64()
		s := clienttest.New(t)
		doors := []*opened{openDoor(t, s, gateway.Limits{}, Config{}), openDoor(t, s, gateway.Limits{}, Config{})}
		var h history
		var all sync.WaitGroup
		for i := range players {
			d := doors[i%2]
			p := &player{&h, t, d, i, rand.New(rand.NewPCG(seed, uint64(i))), d.dial(t), map[string][]held{}}
			all.Go(func() { p.play(steps) })
		}
		s.StopWorker()
		s.StartWorker()
		all.Wait()
		if result, _ := porcupine.CheckOperationsVerbose(model, h.list, never); result != porcupine.Ok {
			t.Fatalf("seed %d: %s: %v", seed, result, h.list)
		}
		for i := range 2 {
			doors[0].free(t, fmt.Sprint("lock", i)) // all have hung up
		}
	}
}

// TestTheModelFindsFaults sees that not every history is one.
func TestTheModelFindsFaults(t *testing.T) {
	var h history
	granted := func(attempt int, key string) {
		h.note(attempt, h.tick.Add(1), asked{kind: asksLock, name: "x", attempt: attempt, size: 1}, told{ok: true, key: key}, false)
	}
	granted(1, "a")
	if porcupine.CheckOperations(model, h.list) != true {
		t.Error("a grant is no history")
	}
	granted(2, "b")
	if porcupine.CheckOperations(model, h.list) {
		t.Error("two hold at once")
	}
	h.note(1, 1, asked{kind: gaveUp, name: "x", attempt: 1}, told{}, true)
	if !porcupine.CheckOperations(model, h.list) {
		t.Error("one after the other is no history")
	}
	h.note(3, h.tick.Add(1), asked{kind: asksLock, name: "x", attempt: 3, size: 1}, told{}, false)
	h.note(4, h.tick.Add(1), asked{kind: asksUnlock, name: "x", key: "a"}, told{ok: true}, false)
	if porcupine.CheckOperations(model, h.list) {
		t.Error("one unlocks what it has lost")
	}
}

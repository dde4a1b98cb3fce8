package service_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// ledger notes who may believe to hold what, and until when.
type ledger struct {
	b     *bubble
	stop  atomic.Bool
	count struct{ granted, refused, expired, died atomic.Int64 }

	mu    sync.Mutex
	until map[string]map[uint64]time.Time // by name and token
	last  map[string]uint64               // by name: the largest token granted
}

// granted notes a grant, and fails the test if anybody else may believe to hold
// the lock, or the token is none that fences.
func (l *ledger) granted(name string, token uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for other, end := range l.until[name] {
		if other != token && time.Now().Before(end) {
			l.b.t.Errorf("%s: %d was granted %s before the end of %d", name, token, time.Until(end), other)
		}
	}
	if token <= l.last[name] {
		l.b.t.Errorf("%s: the token %d was granted after %d", name, token, l.last[name])
	}
	l.last[name] = max(l.last[name], token)
	l.until[name] = map[uint64]time.Time{}
	l.count.granted.Add(1)
}

func (l *ledger) renewed(name string, token uint64, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last[name] == token {
		l.until[name][token] = until
	}
}

func (l *ledger) ended(name string, token uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.until[name], token)
}

// live lets one caller come and go until the storm is over.
func (l *ledger) live(client int, r *rand.Rand) {
	for i := 0; !l.stop.Load(); i++ {
		time.Sleep(time.Duration(r.IntN(300)) * time.Millisecond)
		m := &schema.Acquire{
			Client: fmt.Sprint("c", client), Owner: fmt.Sprint("o", client, ".", i), Request: fmt.Sprint(i),
			TTL: ms(2000 + r.Int64N(3000)), Wait: 1000 + r.Int64N(20_000),
		}
		names := []string{"a", "b", "c", "d"}
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		if k := 1 + r.IntN(5); k <= 3 {
			m.Names = names[:k]
		} else {
			m.Name = names[0]
		}
		l.attempt(m, r)
	}
}

// attempt waits for the locks and uses them, or dies while it waits or holds.
func (l *ledger) attempt(m *schema.Acquire, r *rand.Rand) {
	p := l.b.listen()
	defer p.close()
	deadline := time.Now().Add(time.Duration(m.Wait)*time.Millisecond + time.Minute)
	dies := r.IntN(8) == 0
	for time.Now().Before(deadline) {
		p.send(m)
		pause := 5 * time.Second
		if dies {
			pause = time.Duration(r.IntN(2000)) * time.Millisecond
		}
		msg, err := p.sub.NextMsg(pause)
		if err != nil && dies {
			l.count.died.Add(1)
			return
		}
		if err != nil {
			continue
		}
		switch reply := l.b.decode(msg); reply.Status {
		case schema.StatusGranted:
			l.use(m, reply, r)
			return
		case schema.StatusUnavailable:
		case schema.StatusTimeout, schema.StatusNotHeld: // not held: it ended before we heard of it
			l.count.refused.Add(1)
			return
		default:
			l.b.t.Errorf("%+v: %+v", m, reply)
			return
		}
	}
	l.b.t.Errorf("%+v was never answered", m)
}

// use holds the locks for a while. A caller believes in a hold from when it sent
// the renewal that was acknowledged last: a grant may be told late.
func (l *ledger) use(m *schema.Acquire, reply *schema.Reply, r *rand.Rand) {
	ttl := time.Duration(*m.TTL) * time.Millisecond
	locks := reply.Locks
	if m.Name != "" {
		locks = []schema.LockState{{Name: m.Name, Token: reply.Token}}
	}
	for _, h := range locks {
		l.granted(h.Name, h.Token)
	}
	for range r.IntN(5) {
		for _, h := range locks {
			l.renew(h, ttl)
		}
		time.Sleep(time.Duration(r.Int64N(int64(ttl) * 3 / 4)))
	}
	if r.IntN(10) == 0 {
		l.count.died.Add(1)
		return
	}
	for _, h := range locks {
		l.ended(h.Name, h.Token)
		l.once(&schema.Release{Name: h.Name, Token: h.Token}) // if that fails it ends with its TTL
	}
}

func (l *ledger) renew(h schema.LockState, ttl time.Duration) {
	sent := time.Now()
	switch reply := l.once(&schema.Renew{Name: h.Name, Token: h.Token}); reply.Status {
	case schema.StatusRenewed:
		l.renewed(h.Name, h.Token, sent.Add(ttl))
	case schema.StatusNotHeld:
		l.count.expired.Add(1)
	}
}

// once asks once, and has no patience.
func (l *ledger) once(m schema.Message) *schema.Reply {
	p := l.b.listen()
	defer p.close()
	p.send(m)
	msg, err := p.sub.NextMsg(time.Second)
	if err != nil {
		return new(schema.Reply)
	}
	return l.b.decode(msg)
}

// Whatever fails, nobody is granted what another may believe to hold, everybody
// who waits is answered, and in the end nothing is left.
func TestStorm(t *testing.T) {
	begin, first := time.Now(), *seed
	for s := first; s < first+4 || time.Since(begin) < *long; s++ {
		inBubbleOf(t, 0, func(b *bubble) {
			store := &stormyStore{Store: b.store, r: rand.New(rand.NewPCG(s, 100))}
			b.store.Fail(storm(rand.New(rand.NewPCG(s, 101))))
			b.store.SetLag(time.Duration(s%3) * 100 * time.Millisecond)
			for range 2 {
				b.start(store, nil)
			}
			l := &ledger{b: b, until: map[string]map[uint64]time.Time{}, last: map[string]uint64{}}
			var callers sync.WaitGroup
			for client := range 12 {
				callers.Go(func() { l.live(client, rand.New(rand.NewPCG(s, uint64(client+1000)))) })
			}
			l.restarts(store, rand.New(rand.NewPCG(s, 102)))
			l.stop.Store(true)
			callers.Wait()
			b.store.Fail(nil)
			store.calm.Store(true)
			b.pass(time.Minute)
			for _, name := range []string{"a", "b", "c", "d"} {
				b.wantHolders(name)
				b.wantWaiters(name)
			}
			t.Logf("-seed %d: %d granted, %d timed out, %d expired, %d died", s, l.count.granted.Load(),
				l.count.refused.Load(), l.count.expired.Load(), l.count.died.Load())
		})
		if t.Failed() {
			t.Fatalf("-seed %d", s)
		}
	}
}

// restarts stops and starts workers for a while, one of the two at a time.
func (l *ledger) restarts(store bus.Store, r *rand.Rand) {
	for range 12 {
		time.Sleep(time.Duration(r.IntN(8000)) * time.Millisecond)
		i := r.IntN(len(l.b.workers))
		old := l.b.workers[i]
		l.b.workers = slices.Delete(l.b.workers, i, i+1)
		l.b.start(store, nil)
		old.stop(l.b.t)
		old.nc.Close()
	}
}

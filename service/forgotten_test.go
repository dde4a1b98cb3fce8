package service_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
)

// Whoever waits for several locks is tried whenever one of them comes free, and
// what is canceled ends altogether. No wake-up is lost between those who wait,
// take, give up and leave at one time: nobody here asks twice, unless he is told to.
func TestNobodyWhoWaitsForSeveralNamesIsForgotten(t *testing.T) {
	begin, first := time.Now(), *seed
	for s := first; s < first+6 || time.Since(begin) < *long; s++ {
		workers := 1 + int(s%2)
		inBubbleOf(t, workers, func(b *bubble) {
			b.store.SetLag(time.Duration(s%3) * 5 * time.Millisecond)
			b.store.Fail(hiccups(rand.New(rand.NewPCG(s, 1))))
			var callers sync.WaitGroup
			for client := range 12 {
				q := patient{caller: b.caller, client: client, r: rand.New(rand.NewPCG(s, uint64(client+100)))}
				callers.Go(func() {
					for round := 0; round < 30 && !t.Failed(); round++ {
						q.take(round)
					}
				})
			}
			callers.Wait()
			b.pass(time.Second) // a canceled wait that another worker has noted goes when it is tried
			for _, name := range patientNames {
				b.wantHolders(name)
				b.wantWaiters(name)
			}
		})
		if t.Failed() {
			t.Fatalf("-seed %d, %d workers", s, workers)
		}
	}
}

// hiccups are faults that pass at once.
func hiccups(r *rand.Rand) func([]bus.Write) bustest.Fault {
	var mu sync.Mutex
	return func([]bus.Write) bustest.Fault {
		mu.Lock()
		defer mu.Unlock()
		f := bustest.Fault{Delay: time.Duration(r.IntN(3)) * time.Millisecond}
		switch r.IntN(20) {
		case 0:
			f.Kind = bustest.Conflict
		case 1:
			f.Kind = bustest.Unavailable
		case 2:
			f.Kind = bustest.LostAck
		}
		return f
	}
}

var patientNames = []string{"a", "b", "c", "d", "e"}

// patient is a caller who waits long, and does not repeat its requests unless it is told to.
type patient struct {
	*caller
	client int
	r      *rand.Rand
}

// chance is some time below n milliseconds.
func (q *patient) chance(n int) time.Duration { return time.Duration(q.r.IntN(n)) * time.Millisecond }

// take takes and releases one to three locks, or cancels while it is at it. What was sent
// once is forgotten with its release.
func (q *patient) take(round int) {
	time.Sleep(q.chance(8))
	names := slices.Clone(patientNames)
	q.r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	m := &schema.Acquire{
		Client: fmt.Sprint("c", q.client), Owner: fmt.Sprint("o", round), Request: fmt.Sprint(round), TTL: ms(3_600_000), Wait: 600_000,
	}
	if n := 1 + q.r.IntN(3); n > 1 {
		m.Names = names[:n]
	} else {
		m.Name = names[0]
	}
	p := q.listen()
	defer p.close()
	p.send(m)
	if q.r.IntN(6) == 0 {
		time.Sleep(q.chance(4))
		q.ask(&schema.Cancel{Name: names[0], Client: m.Client, Request: m.Request})
		return
	}
	reply, sole := &schema.Reply{Status: schema.StatusUnavailable}, m.Request
	for tries := 0; reply.Status == schema.StatusUnavailable; tries++ {
		if tries > 0 {
			p.send(m)
			sole = ""
		}
		msg, err := p.sub.NextMsg(time.Hour)
		if err != nil {
			q.t.Errorf("%+v was never answered: %v", m, err)
			return
		}
		reply = q.decode(msg)
	}
	if reply.Status != schema.StatusGranted {
		q.t.Errorf("%+v: %s: %s", m, reply.Status, reply.Message)
		return
	}
	time.Sleep(q.chance(6))
	if m.Name != "" {
		reply.Locks = []schema.LockState{{Name: m.Name, Token: reply.Token}}
	}
	for i := range reply.Locks {
		q.ask(&schema.Release{Name: reply.Locks[i].Name, Client: m.Client, Token: reply.Locks[i].Token, Forget: sole})
	}
}

package service_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
)

// What a history is made of.
const (
	historyCallers = 8
	historySteps   = 14
	historyLocks   = 2
)

// history is what many callers asked and were told.
type history struct {
	b      *bubble
	forces bool // force is among the requests
	doubts bool // a worker may decide a request again after another has built on its write

	vague atomic.Bool // something cannot be told from what was told

	tick atomic.Int64 // orders calls and returns; the time of a bubble stands still too often

	mu   sync.Mutex
	list []porcupine.Operation
	lost []string // waiters that nobody ever answered
}

// record makes one request and notes it.
func (h *history) record(client int, s *step) *schema.Reply {
	s.retried = h.doubts
	call := h.tick.Add(1)
	h.perform(s)
	o := porcupine.Operation{ClientId: client, Input: s, Call: call, Return: h.tick.Add(1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.reply == nil {
		h.lost = append(h.lost, fmt.Sprintf("%s %+v", verbOf(s.message), s.message))
		return &schema.Reply{}
	}
	h.list = append(h.list, o)
	return s.reply
}

// perform sends the request as a good caller does: again every 5 s while it
// waits, and again when it was told that nobody could decide. An acquire that is
// refused after that is canceled, since an earlier copy may be on its way.
func (h *history) perform(s *step) {
	p := h.b.listen()
	defer p.close()
	var again bool
	if s.reply, again = h.insist(p, s.message); s.reply == nil || !again {
		return
	}
	s.retried = true
	m, ok := s.message.(*schema.Acquire)
	if !ok || s.reply.Status != schema.StatusHeld && s.reply.Status != schema.StatusSizeMismatch {
		return
	}
	switch r, again := h.insist(h.b.listen(), &schema.Cancel{Name: m.Name, Client: m.Client, Request: m.Request}); {
	case r != nil && r.Status == schema.StatusReleased:
		s.reply = &schema.Reply{Status: schema.StatusNotHeld} // it was granted after all
	case again:
		h.vague.Store(true)
	}
}

// insist sends m until it is decided, and reports whether it was sent again.
func (h *history) insist(p *pending, m schema.Message) (r *schema.Reply, again bool) {
	for range 60 {
		p.send(m)
		msg, err := p.sub.NextMsg(5 * time.Second)
		if errors.Is(err, nats.ErrTimeout) {
			again = true
			continue
		}
		if err != nil {
			h.b.t.Errorf("%+v: %v", m, err)
			return nil, again
		}
		r := new(schema.Reply)
		if err := schema.Decode(h.b.encoding, msg.Data, r); err != nil {
			h.b.t.Errorf("%+v: %v", m, err)
			return nil, again
		}
		if r.Status != schema.StatusUnavailable {
			return r, again
		}
		again = true
	}
	return nil, again
}

// play lets one caller do what it likes.
func (h *history) play(client int, r *rand.Rand) {
	held := map[string][]uint64{} // by name: the tokens
	for i := range historySteps {
		name := fmt.Sprint("lock", r.IntN(historyLocks))
		time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
		if tokens := held[name]; len(tokens) > 0 && r.IntN(3) > 0 {
			held[name] = tokens[1:]
			h.record(client, &step{name: name, message: &schema.Release{Name: name, Token: tokens[0]}})
			continue
		}
		switch k := r.IntN(20); {
		case k == 0:
			h.record(client, &step{name: name, message: &schema.Inspect{Name: name}})
		case k == 1 && len(held[name]) > 0:
			h.record(client, &step{name: name, message: &schema.Renew{Name: name, Token: held[name][0]}})
		case k == 2 && h.forces:
			h.record(client, &step{name: name, message: &schema.Force{Name: name}})
		default:
			if reply := h.acquire(client, i, name, r); reply.Status == schema.StatusGranted {
				held[name] = append(held[name], reply.Token)
			}
		}
	}
	for name, tokens := range held {
		for _, token := range tokens {
			h.record(client, &step{name: name, message: &schema.Release{Name: name, Token: token}})
		}
	}
}

// acquire asks for a lock, in any way, and now and then does not want it any more.
func (h *history) acquire(client, i int, name string, r *rand.Rand) *schema.Reply {
	m := &schema.Acquire{
		Name: name, Client: fmt.Sprint("c", client), Owner: fmt.Sprint("o", client), Request: fmt.Sprint(client, ".", i), TTL: ms(schema.MaxTTL),
	}
	if r.IntN(2) == 0 {
		m.Wait = int64(r.IntN(3000))
	}
	if r.IntN(3) == 0 {
		m.Owner += fmt.Sprint(".", i)
	}
	if r.IntN(3) == 0 {
		m.Mode, m.Size = schema.ModeShared, int64(r.IntN(2)*2)
	}
	attempt := fmt.Sprint(client, ".", i)
	var cancel sync.WaitGroup
	if r.IntN(5) == 0 {
		after := time.Duration(r.IntN(100)) * time.Millisecond
		cancel.Go(func() {
			time.Sleep(after)
			h.record(historyCallers+client, &step{name: name, attempt: attempt, message: &schema.Cancel{Name: name, Client: m.Client, Request: m.Request}})
		})
	}
	reply := h.record(client, &step{name: name, attempt: attempt, message: m})
	cancel.Wait()
	return reply
}

// stormyStore delays and refuses loads.
type stormyStore struct {
	bus.Store
	calm atomic.Bool

	mu sync.Mutex
	r  *rand.Rand
}

func (s *stormyStore) Load(ctx context.Context, key string) (bus.Entry, error) {
	if s.calm.Load() {
		return s.Store.Load(ctx, key)
	}
	s.mu.Lock()
	fails, delay := s.r.IntN(20) == 0, time.Duration(s.r.IntN(5))*time.Millisecond
	s.mu.Unlock()
	time.Sleep(delay)
	if fails {
		return bus.Entry{}, bus.ErrUnavailable
	}
	return s.Store.Load(ctx, key)
}

// storm makes commits fail in every way there is, now and then all for seconds.
func storm(r *rand.Rand) func([]bus.Write) bustest.Fault {
	var away time.Time
	return func([]bus.Write) bustest.Fault {
		f := bustest.Fault{Delay: time.Duration(r.IntN(10)) * time.Millisecond}
		if r.IntN(300) == 0 {
			away = time.Now().Add(time.Duration(r.IntN(7000)) * time.Millisecond)
		}
		if time.Now().Before(away) {
			f.Kind = bustest.Unavailable
			return f
		}
		switch r.IntN(25) {
		case 0:
			f.Kind = bustest.Conflict
		case 1:
			f.Kind = bustest.Lost
		case 2:
			f.Kind = bustest.LostAck
		case 3:
			f.Kind, f.Late = bustest.Late, time.Duration(r.IntN(400))*time.Millisecond
		}
		return f
	}
}

// playHistory runs the callers of one seed.
func playHistory(t *testing.T, seed uint64, workers int, stormy bool) *history {
	t.Helper()
	h := &history{forces: !stormy, doubts: stormy && workers > 1}
	inBubbleOf(t, 0, func(b *bubble) {
		h.b = b
		r := rand.New(rand.NewPCG(seed, uint64(workers)))
		b.store.SetLag([]time.Duration{0, 5 * time.Millisecond, time.Second}[r.IntN(3)])
		var store bus.Store = b.store
		if stormy {
			store = &stormyStore{Store: b.store, r: rand.New(rand.NewPCG(seed, 100))}
			b.store.Fail(storm(rand.New(rand.NewPCG(seed, 101))))
		} else {
			b.jitter(10 * time.Millisecond)
		}
		for range workers {
			b.start(store, nil)
		}
		events := b.watch()
		var callers sync.WaitGroup
		for client := range historyCallers {
			callers.Go(func() { h.play(client, rand.New(rand.NewPCG(seed, uint64(client+1000)))) })
		}
		callers.Wait()
		b.settle()
		if workers == 1 {
			wantFairness(b.t, events())
		}
	})
	return h
}

// wantFairness fails the test unless the tokens of a lock grow from grant to
// grant, and waiters were let in in the order in which they were queued.
func wantFairness(t *testing.T, events []event) {
	t.Helper()
	last, queue := map[string]uint64{}, map[string][]string{}
	for _, e := range events {
		who := e.Client + " " + e.Owner
		waits := slices.Index(queue[e.Name], who)
		switch e.Type {
		case "queued":
			queue[e.Name] = append(queue[e.Name], who)
		case "granted":
			if e.Token <= last[e.Name] {
				t.Errorf("%s: the token %d was granted after %d", e.Name, e.Token, last[e.Name])
			}
			last[e.Name] = e.Token
			if len(queue[e.Name]) > 0 && waits != 0 {
				t.Errorf("%s: granted to %s while %q waited", e.Name, who, queue[e.Name])
			}
		}
		if waits >= 0 && (e.Type == "granted" || e.Type == "canceled") {
			queue[e.Name] = slices.Delete(queue[e.Name], waits, waits+1)
		}
	}
	for name, list := range queue {
		if len(list) > 0 {
			t.Errorf("%s: %q still wait in the end", name, list)
		}
	}
}

func TestHistoriesAreLinearizable(t *testing.T) {
	begin, first := time.Now(), *seed
	for s := first; s < first+6 || time.Since(begin) < *long; s++ {
		for _, workers := range []int{1, 2} {
			for _, stormy := range []bool{false, true} {
				h := playHistory(t, s, workers, stormy)
				label := fmt.Sprintf("-seed %d with %d workers, storm %t", s, workers, stormy)
				if len(h.lost) > 0 {
					t.Errorf("%s: never answered:\n%s", label, strings.Join(h.lost, "\n"))
				}
				if unexplained := h.check(); unexplained != "" {
					t.Errorf("%s: the history cannot be explained:\n%s", label, unexplained)
				}
				if t.Failed() {
					t.Fatal(label)
				}
			}
		}
	}
}

// check looks for an order of the history that the model explains, lock by lock,
// and tells how far it came where there is none.
func (h *history) check() string {
	if h.vague.Load() {
		return ""
	}
	for _, part := range model.Partition(h.list) {
		one := model
		one.Partition = nil
		result, info := porcupine.CheckOperationsVerbose(one, part, 30*time.Second)
		if result != porcupine.Illegal {
			continue // explained, or too long to find out
		}
		var longest []porcupine.Operation
		for _, l := range info.PartialLinearizationsOperations()[0] {
			if len(l) > len(longest) {
				longest = l
			}
		}
		return tell(part, longest)
	}
	return ""
}

// tell lists a part in order of the calls. What the longest order that can be
// explained has of it is numbered in that order, and its last state follows.
func tell(part, explained []porcupine.Operation) string {
	slices.SortFunc(part, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	state := model.Init()
	for _, o := range explained {
		_, state = model.Step(state, o.Input, nil)
	}
	var text strings.Builder
	for _, o := range part {
		place := slices.IndexFunc(explained, func(e porcupine.Operation) bool { return e.Call == o.Call })
		fmt.Fprintf(&text, "%4d %4d-%4d client %2d %s\n", place, o.Call, o.Return, o.ClientId, model.DescribeOperation(o.Input, nil))
	}
	fmt.Fprintf(&text, "%+v\n", state)
	return text.String()
}

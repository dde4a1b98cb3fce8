package client_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

// presences stand in for what the service does with sessions and with locks that
// are held by them.
type presences struct {
	keepalives []*schema.Keepalive
	acquires   []*schema.Acquire
	leaves     []string
	epoch      uint64 // of the last one that left
	renewals   int
	releases   []*schema.Release
	ended      map[string]bool // sessions
	late       func(m *schema.Keepalive) time.Duration
	mute       bool // keepalives are not answered
	refuse     *schema.Reply
	tokens     uint64
	held       map[string]uint64 // tokens by name
	inspects   int
	unseen     *schema.Reply // instead of what is held
}

// take answers a request.
func (p *presences) take(a asked) {
	switch m := a.request.(type) {
	case *schema.Keepalive:
		p.keepalives = append(p.keepalives, m)
		p.keep(a, m)
	case *schema.Leave:
		p.leaves, p.epoch = append(p.leaves, m.Session), m.Epoch
		p.end(m.Session)
		a.answer(&schema.Reply{Status: schema.StatusOK})
	case *schema.Acquire:
		p.acquires = append(p.acquires, m)
		if p.ended[m.Session] {
			a.answer(&schema.Reply{Status: schema.StatusSessionExpired, Message: "ended"})
			return
		}
		p.tokens++
		if p.held == nil {
			p.held = map[string]uint64{}
		}
		p.held[m.Name] = p.tokens
		a.answer(grant(a, p.tokens))
	case *schema.Renew:
		p.renewals++
		if p.held[m.Name] != m.Token {
			a.answer(&schema.Reply{Status: schema.StatusNotHeld})
			return
		}
		a.answer(&schema.Reply{Status: schema.StatusRenewed, TTL: new(int64)})
	case *schema.Inspect:
		p.inspects++
		p.inspect(a, m)
	case *schema.Release:
		p.releases = append(p.releases, m)
		a.answer(&schema.Reply{Status: schema.StatusReleased})
	case *schema.Cancel:
		a.answer(&schema.Reply{Status: schema.StatusCanceled})
	}
}

func (p *presences) keep(a asked, m *schema.Keepalive) {
	reply := &schema.Reply{Status: schema.StatusOK, TTL: m.TTL, Epoch: 77}
	switch {
	case p.mute:
		return
	case p.refuse != nil:
		reply = p.refuse
	case p.ended[m.Session]:
		reply = &schema.Reply{Status: schema.StatusSessionExpired, Message: "ended"}
	case p.late != nil:
		time.AfterFunc(p.late(m), func() { a.answer(reply) })
		return
	}
	a.answer(reply)
}

func (p *presences) inspect(a asked, m *schema.Inspect) {
	if p.unseen != nil {
		a.answer(p.unseen)
		return
	}
	reply := &schema.Reply{Status: schema.StatusOK}
	for _, name := range m.Names {
		reply.Locks = append(reply.Locks, schema.LockState{Name: name, Holders: []schema.Holder{{Token: p.held[name]}}})
	}
	a.answer(reply)
}

func (p *presences) end(session string) {
	if p.ended == nil {
		p.ended = map[string]bool{}
	}
	p.ended[session] = true
}

// last is the last keepalive.
func (p *presences) last() *schema.Keepalive { return p.keepalives[len(p.keepalives)-1] }

// byPresence are the options of a Client whose locks are held by its session.
var byPresence = &client.Options{}

func TestFirstUseOpensOneSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(presences)
		s := respond(t, p.take)
		c := s.Client(byPresence)
		s.pass(time.Minute)
		if len(p.keepalives) > 0 {
			t.Errorf("%d keepalives before the first use", len(p.keepalives))
		}
		p.late = func(*schema.Keepalive) time.Duration { return 500 * time.Millisecond }
		s.wait()
		var both sync.WaitGroup
		for i := range 2 {
			both.Go(func() { acquire(t, c, fmt.Sprint(i)) })
		}
		both.Wait()
		s.wait()
		first, asked := p.keepalives[0], map[string]bool{}
		for _, m := range p.keepalives {
			asked[m.Session] = true
		}
		if len(asked) != 1 || !first.Create || first.Epoch != 0 || first.N != 1 || first.Client != c.ID() || len(first.Session) < 26 {
			t.Errorf("%d sessions; opened by %+v", len(asked), first)
		}
		if *first.TTL != 10_000 || *first.Grace != 2000 || first.Server == "" || first.CID == nil || *first.CID == 0 {
			t.Errorf("opened by %+v", first)
		}
		for _, m := range p.acquires {
			if m.Session != first.Session || m.TTL != nil {
				t.Errorf("asked for by %+v", m)
			}
		}
		n := len(p.keepalives)
		s.pass(4 * second)
		if then := p.last(); len(p.keepalives) == n || then.Create || then.Epoch != 77 || then.N <= first.N || then.Session != first.Session {
			t.Errorf("kept alive by %+v", then)
		}
	})
}

func TestManyLocksCostOneKeepalive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(presences)
		s := respond(t, p.take)
		c := s.Client(byPresence)
		var locks []*client.Lock
		for i := range 1000 {
			locks = append(locks, acquire(t, c, fmt.Sprint(i)))
		}
		s.pass(time.Minute)
		for _, l := range locks {
			ok(t, l.Err())
		}
		if n := len(p.keepalives); n < 18 || n > 24 || p.renewals != 0 || p.inspects < 4 || p.inspects > 6 {
			t.Errorf("%d keepalives, %d renewals and %d inspects in a minute", n, p.renewals, p.inspects)
		}
		ok(t, c.Close())
		s.wait()
		if len(p.leaves) != 1 || len(p.releases) != 0 || p.leaves[0] != p.last().Session || p.epoch != 77 {
			t.Errorf("left %q of epoch %d, %d releases", p.leaves, p.epoch, len(p.releases))
		}
		for _, l := range locks {
			wantErr(t, l.Err(), client.ErrClosed)
		}
	})
}

func TestOptionsOfTheSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(presences)
		s := respond(t, p.take)
		acquire(t, s.Client(&client.Options{SessionTTL: 3 * second, Grace: client.NoGrace}), "a")
		if m := p.last(); *m.TTL != 3000 || *m.Grace != 0 {
			t.Errorf("ttl %d, grace %d", *m.TTL, *m.Grace)
		}
		acquire(t, s.Client(&client.Options{Grace: time.Minute}), "a")
		if m := p.last(); *m.Grace != 60_000 {
			t.Errorf("grace %d", *m.Grace)
		}
		for _, o := range []client.Options{
			{SessionTTL: 999 * time.Millisecond}, {SessionTTL: 301 * second}, {SessionTTL: second + 1},
			{Grace: -2}, {Grace: 61 * second}, {Grace: second + 1},
		} {
			_, err := client.New(s.Conn(), &o)
			wantErr(t, err, client.ErrInvalid)
		}
		_, err := s.Client(byPresence).TryAcquire(t.Context(), "b", client.NoRenew())
		wantErr(t, err, client.ErrInvalid)
	})
}

func TestTTLAndPresenceMix(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c, other := s.Client(nil), s.Client(nil)
		present, timed := acquire(t, c, "present"), acquire(t, c, "timed", client.TTL(time.Minute))
		left := acquire(t, c, "left", client.TTL(20*second), client.NoRenew())
		if h := state(t, other, "present").Holders[0]; h.TTL != 0 || len(h.Sessions) != 1 {
			t.Errorf("by presence: %+v", h)
		}
		if h := state(t, other, "timed").Holders[0]; h.TTL != 60_000 || len(h.Sessions) != 0 {
			t.Errorf("by TTL: %+v", h)
		}
		start := time.Now()
		time.Sleep(second)
		s.StopWorker()
		ended(t, present.Context(), client.ErrLost)
		ok(t, timed.Err())
		ended(t, left.Context(), client.ErrLost)
		near(t, time.Since(start), window(20*second))
		s.StartWorker()
		time.Sleep(time.Minute)
		ok(t, timed.Err())
		ok(t, c.Close())
		if isHeld(t, other, "timed") || isHeld(t, other, "present") {
			t.Error("something is held yet")
		}
	})
}

func TestHoldForATTLAndByPresenceEndsWithTheFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		l := acquire(t, c, "a", client.Owner("o"), client.TTL(time.Hour))
		if acquire(t, c, "a", client.Owner("o")) != l {
			t.Fatal("the owner has two holds")
		}
		start := time.Now()
		s.StopWorker()
		ended(t, l.Context(), client.ErrLost)
		if d := time.Since(start); d > window(10*second) {
			t.Errorf("lost after %s", d)
		}
		s.StartWorker()
		l = acquire(t, c, "b", client.Owner("o"))
		if acquire(t, c, "b", client.Owner("o"), client.TTL(4*second)) != l {
			t.Fatal("the owner has two holds")
		}
		time.Sleep(time.Minute)
		ok(t, l.Err())
		start = time.Now()
		s.StopWorker()
		ended(t, l.Context(), client.ErrLost)
		if d := time.Since(start); d > window(4*second) {
			t.Errorf("lost after %s", d)
		}
	})
}

func TestRenewGivesAHoldByPresenceATTL(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		l := acquire(t, c, "a")
		ok(t, l.Renew(t.Context(), 0))
		if h := state(t, c, "a").Holders[0]; h.TTL != 0 {
			t.Errorf("%+v", h)
		}
		ok(t, l.Renew(t.Context(), 2*second))
		if h := state(t, c, "a").Holders[0]; h.TTL != 2000 || len(h.Sessions) != 1 {
			t.Errorf("%+v", h)
		}
		time.Sleep(time.Minute)
		ok(t, l.Err())
		ok(t, l.Renew(t.Context(), 0))
		start := time.Now()
		s.StopWorker()
		ended(t, l.Context(), client.ErrLost)
		near(t, time.Since(start), window(2*second))
	})
}

func TestWaitByPresenceIsWithoutEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		waits := make(chan int64, 3)
		p := new(presences)
		s := respond(t, func(a asked) {
			if m, is := a.request.(*schema.Acquire); is {
				waits <- m.Wait
			}
			p.take(a)
		})
		c := s.Client(byPresence)
		must[*client.Lock](t)(c.Acquire(t.Context(), "a"))
		must[*client.Lock](t)(c.Acquire(t.Context(), "b", client.Wait(second)))
		must[*client.Lock](t)(c.Acquire(t.Context(), "b", client.Wait(0)))
		if a, b, c := <-waits, <-waits, <-waits; a != schema.WaitForever || b != 1000 || c != 0 {
			t.Errorf("waits %d, %d, %d", a, b, c)
		}
	})
}

package client_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

// proxy stands between a client and a natslock, and brings keepalives twice, late,
// and in another order. What else is asked it hands on at once.
type proxy struct {
	t    *testing.T
	nc   *nats.Conn // to the natslock
	mu   sync.Mutex // also of r
	r    *rand.Rand
	shut bool      // nothing new is taken
	most uint64    // the largest n that has been handed on
	last time.Time // and when
}

// take takes a request of the client's.
func (p *proxy) take(a asked) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return
	}
	m, is := a.request.(*schema.Keepalive)
	if !is {
		time.AfterFunc(0, func() { p.hand(a, 0) })
		return
	}
	p.later(a, m.N, 2*second)
	for range p.r.IntN(3) {
		p.later(a, m.N, 40*second)
	}
}

// later hands a copy on after some time.
func (p *proxy) later(a asked, n uint64, most time.Duration) {
	time.AfterFunc(time.Duration(p.r.Int64N(int64(most))), func() { p.hand(a, n) })
}

// hand hands a copy on and, some time later, its answer back.
func (p *proxy) hand(a asked, n uint64) {
	p.mu.Lock()
	slow := time.Duration(0)
	if n > 0 {
		slow = time.Duration(p.r.Int64N(int64(second)))
	}
	if n > p.most {
		p.most, p.last = n, time.Now()
	}
	p.mu.Unlock()
	m := &nats.Msg{Subject: a.message.Subject, Header: a.message.Header, Data: a.message.Data}
	reply, err := p.nc.RequestMsg(m, 10*second)
	if err != nil {
		return // the test is over
	}
	time.Sleep(slow)
	if err := a.conn.PublishMsg(&nats.Msg{Subject: a.message.Reply, Header: reply.Header, Data: reply.Data}); err != nil {
		p.t.Logf("answer: %v", err)
	}
}

// close keeps from the natslock what is asked from now on, and returns when the last
// keepalive was that kept the session alive.
func (p *proxy) close() (last time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
	return p.last
}

// A lock is neither lost while keepalives come in any order, some late and some
// twice, nor kept by the copies that arrive when no more are sent.
func TestKeepalivesThatAreShuffledKeepWhatTheyShould(t *testing.T) {
	for seed := range uint64(4) {
		inBubble(t, func(t *testing.T, s *clienttest.Server) {
			p := &proxy{t: t, nc: s.Conn(), r: rand.New(rand.NewPCG(seed, 5))}
			far := respond(t, p.take)
			c, other := far.Client(byPresence), s.Client(nil)
			l := acquire(t, c, "a")
			for range 120 {
				time.Sleep(second)
				ok(t, l.Err())
				if !isHeld(t, other, "a") {
					t.Fatalf("seed %d: the hold has ended", seed)
				}
			}
			closed := time.Now()
			p.close()
			next := make(chan time.Time)
			go func() {
				must[*client.Lock](t)(other.Acquire(t.Context(), "a"))
				next <- time.Now()
			}()
			ended(t, l.Context(), client.ErrLost)
			lost, granted := time.Now(), <-next
			last := p.close() // what was on its way has come
			if !granted.After(lost) {
				t.Errorf("seed %d: lost %s after somebody else had it", seed, lost.Sub(granted))
			}
			if d := granted.Sub(last); d > 11*second || d < 10*second {
				t.Errorf("seed %d: free %s after the last keepalive that counted", seed, d)
			}
			if d := granted.Sub(closed); d > 13*second {
				t.Errorf("seed %d: kept for %s by what was sent before", seed, d)
			}
			time.Sleep(40 * second) // until all copies have come
			if m := state(t, other, "a").Holders; len(m) != 1 || m[0].Token <= l.Token() {
				t.Errorf("seed %d: held by %+v", seed, m)
			}
		})
	}
}

package client_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
)

func TestConnectionThatIsBackWithinTheGraceLosesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		nc, cable := s.Cable()
		c := must[*client.Client](t)(client.New(nc, nil))
		defer c.Close()
		l := acquire(t, c, "a")
		for range 20 {
			cable.Cut()
			time.Sleep(1400 * time.Millisecond)
			cable.Mend()
			time.Sleep(1500 * time.Millisecond)
			ok(t, l.Err())
		}
		time.Sleep(time.Minute)
		ok(t, l.Err())
		if !isHeld(t, s.Client(nil), "a") {
			t.Error("the hold is gone")
		}
	})
}

func TestConnectionThatStaysAwayLosesTheSession(t *testing.T) {
	for grace, trusted := range map[time.Duration]time.Duration{
		0: window(2 * second), client.NoGrace: 0, 5 * second: window(5 * second), time.Minute: window(20 * second),
	} {
		inBubble(t, func(t *testing.T, s *clienttest.Server) {
			nc, cable := s.Cable()
			c := must[*client.Client](t)(client.New(nc, &client.Options{SessionTTL: 20 * second, Grace: grace}))
			defer c.Close()
			l := acquire(t, c, "a")
			next := make(chan time.Time)
			go func() {
				must[*client.Lock](t)(s.Client(nil).Acquire(t.Context(), "a"))
				next <- time.Now()
			}()
			synctest.Wait()
			start := time.Now()
			cable.Cut()
			ended(t, l.Context(), client.ErrLost)
			near(t, time.Since(start), trusted)
			lost, granted := time.Now(), <-next
			if !granted.After(lost) && grace != client.NoGrace {
				t.Errorf("lost at %s, and somebody else had it at %s", lost, granted)
			}
			if d := granted.Sub(start); d > max(grace, 2*second)+second && grace < 20*second {
				t.Errorf("somebody else had it after %s", d)
			}
			cable.Mend()
			ok(t, acquire(t, c, "b").Err())
		})
	}
}

func TestReconnectTellsTheNewConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(presences)
		s := respond(t, p.take)
		nc := s.Conn()
		c := must[*client.Client](t)(client.New(nc, nil))
		defer c.Close()
		l := acquire(t, c, "a")
		before := p.last()
		start := time.Now()
		ok(t, nc.ForceReconnect())
		for p.last() == before {
			s.pass(10 * time.Millisecond)
		}
		now := must[uint64](t)(nc.GetClientID())
		if m := p.last(); m.Session != before.Session || m.Epoch != 77 || *m.CID == *before.CID || *m.CID != now || m.Server != nc.ConnectedServerId() {
			t.Errorf("kept alive by %+v on connection %d", m, now)
		}
		if d := time.Since(start); d > second {
			t.Errorf("after %s", d)
		}
		s.pass(5 * second)
		ok(t, l.Err())
	})
}

// The answer to what was sent on the old connection proves nothing of the new one.
func TestKeepaliveFromBeforeTheLossDoesNotEndTheGrace(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		nc, cable := s.Cable()
		c := must[*client.Client](t)(client.New(nc, &client.Options{SessionTTL: time.Minute}))
		defer c.Close()
		l := acquire(t, c, "a")
		s.StopWorker()
		start := time.Now()
		cable.Cut()
		time.AfterFunc(second, cable.Mend)
		ended(t, l.Context(), client.ErrLost)
		near(t, time.Since(start), window(2*second))
		s.StartWorker()
	})
}

// A keepalive that is not answered tells of the old connection: no copy of it is sent
// on the new one.
func TestKeepaliveOnItsWayIsNotRepeatedOnAnotherConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(presences)
		s := respond(t, p.take)
		nc := s.Conn()
		c := must[*client.Client](t)(client.New(nc, &client.Options{Grace: time.Minute}))
		defer c.Close()
		acquire(t, c, "a")
		before := must[uint64](t)(nc.GetClientID())
		p.mute = true
		s.wait()
		for n := len(p.keepalives); len(p.keepalives) == n; {
			s.pass(10 * time.Millisecond)
		}
		s.wait()
		ok(t, nc.ForceReconnect())
		for nc.IsReconnecting() || must[uint64](t)(nc.GetClientID()) == before {
			time.Sleep(time.Millisecond)
		}
		s.wait()
		n := len(p.keepalives) - 1
		start, now := time.Now(), must[uint64](t)(nc.GetClientID())
		for len(p.keepalives) < n+4 {
			s.pass(time.Millisecond)
		}
		if d := time.Since(start); d > 3*second {
			t.Errorf("after %s", d)
		}
		for _, m := range p.keepalives[n:] {
			if *m.CID != now {
				t.Errorf("connection %d is told on connection %d", *m.CID, now)
			}
		}
	})
}

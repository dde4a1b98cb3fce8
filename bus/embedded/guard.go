package embedded

import (
	"crypto/rand"
	"math"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// guardEvery is how often the guard looks.
const guardEvery = 250 * time.Millisecond

// guard closes the connections of callers that listen to the inboxes of all. Such
// a connection reads what others are answered, and is a listener where a grant's
// caller is gone: the grant would not be undone. Permissions cannot refuse it,
// because none tells _INBOX.> from an inbox of one's own, and the server tells
// nobody of subscriptions; so the guard asks whether anybody listens where nobody
// can have an inbox.
type guard struct {
	server *Server
	baits  []string
	quit   chan struct{}
	done   sync.WaitGroup
}

func newGuard(s *Server) *guard {
	g := &guard{server: s, quit: make(chan struct{})}
	inbox := "_INBOX." + rand.Text()
	g.baits = []string{inbox, inbox + "." + rand.Text()}
	g.done.Go(g.run)
	return g
}

func (g *guard) run() {
	tick := time.NewTicker(guardEvery)
	defer tick.Stop()
	for {
		select {
		case <-g.quit:
			return
		case <-tick.C:
			for _, bait := range g.baits {
				if g.server.Listening(bait) {
					g.close(bait)
				}
			}
		}
	}
}

// close closes the connections that listen to the subject.
func (g *guard) close(subject string) {
	s := g.server
	list, err := s.nats.Connz(&server.ConnzOptions{Account: Account, FilterSubject: subject, Limit: math.MaxInt32})
	if err != nil {
		s.log.Errorf("cannot list the connections: %v", err)
		return
	}
	for _, c := range list.Conns {
		if s.nats.DisconnectClientByID(c.Cid) != nil {
			continue // it is gone
		}
		s.log.seldom.Write("guard", func(leftOut int) {
			s.log.to.Warn("closed a connection that listens to the answers of all callers, as nats subscribe '>' does; nats subscribe 'lockevent.>' shows what happens",
				"name", c.Name, "host", c.IP, "cid", c.Cid, "left_out", leftOut)
		})
	}
}

func (g *guard) stop() {
	close(g.quit)
	g.done.Wait()
}

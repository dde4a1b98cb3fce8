//go:build linux

package soak

import (
	"context"

	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
)

const (
	connections = 8                // of all callers
	generate    = 4 * time.Second  // how long a generation of locks is used
	maxHistory  = 1500             // operations on one lock, about
	drainFor    = 60 * time.Second // everything that waits is answered within, once the trouble is over
	patience    = 2 * time.Minute  // what does not wait for others is answered within: outages follow one another
	checkFor    = 2 * time.Minute  // for one history
	progress    = 10 * time.Second
)

// soak is many callers and one server that suffers.
type soak struct {
	t       *testing.T
	pics    string // where histories are drawn that make no sense
	current atomic.Pointer[generation]

	turnover sync.Mutex // held while current changes
	checking sync.WaitGroup
	one      sync.Mutex // held by the check that runs
	checked  atomic.Int64
	lost     atomic.Int64 // locks that could not be renewed in time
	failures chan error
	fated    struct {
		mu    sync.Mutex
		times map[string]int // that mortals were killed, and so on
	}
}

func TestSoak(t *testing.T) {
	t.Parallel()
	t.Logf("seed %d: go test ./cmd/natslock/soak -v -run TestSoak -soak %s -callers %d -seed %d", *seed, *soakFor, *callers, *seed)
	s := &soak{t: t, pics: filepath.Join(os.TempDir(), fmt.Sprintf("natslock-soak-%d", *seed)), failures: make(chan error, *callers+1000)}
	s.current.Store(newGeneration(0))
	chaos := &chaos{t: t, addr: freeAddr(t), data: t.TempDir(), rand: rand.New(rand.NewPCG(*seed, 1)), long: *soakFor >= time.Minute}
	if err := chaos.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { chaos.now.kill() })
	s.run(chaos)
	kills, stops, freezes, slowest := chaos.tally()
	t.Logf("%d operations in order; %d kills, %d stops, %d freezes; slowest start %s; %d locks lost to outages",
		s.checked.Load(), kills, stops, freezes, slowest.Round(time.Millisecond), s.lost.Load())
	t.Logf("mortals: %v", s.fated.times)
	if t.Failed() {
		t.Logf("natslock said:\n%s", chaos.now.output())
	}
}

// run lets the callers work while there is trouble, lets them finish, and looks
// at what is left.
func (s *soak) run(chaos *chaos) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	trouble, calm := context.WithTimeout(ctx, *soakFor)
	defer calm()
	crowd := s.crowd(chaos.addr)
	var work, trials sync.WaitGroup
	for _, c := range crowd {
		work.Go(func() {
			if err := c.run(ctx, trouble); err != nil {
				s.fail(err)
				calm()
			}
		})
	}
	trials.Go(func() {
		if err := chaos.run(trouble); err != nil {
			s.fail(err)
			calm()
		}
	})
	trials.Go(func() { s.turn(trouble, chaos) })
	for i := range lines {
		f := &fates{soak: s, chaos: chaos, wire: newWire(s.t, dial(s.t, chaos.addr), "soak"), line: i}
		f.rand = rand.New(rand.NewPCG(*seed, mortalID+uint64(i)))
		work.Go(func() {
			if err := f.run(ctx, trouble); err != nil {
				s.fail(err)
				calm()
			}
		})
	}
	trials.Wait()

	drained := make(chan struct{})
	go func() { work.Wait(); close(drained) }()
	began := now()
	select {
	case <-drained:
		s.t.Logf("everything was answered %s after the last fault", (now() - began).Round(time.Millisecond))
	case <-time.After(drainFor):
		s.stuck(crowd)
		cancel()
		<-drained
	}
	s.retire(s.current.Load())
	s.checking.Wait()
	close(s.failures)
	for err := range s.failures {
		s.t.Error(err)
	}
	s.empty(crowd[0])
	for _, c := range crowd[:connections] {
		if err := c.locks.Close(); err != nil {
			s.t.Error(err)
		}
	}
}

// fail notes a failure; those beyond many are dropped.
func (s *soak) fail(err error) {
	select {
	case s.failures <- err:
	default:
	}
}

// crowd are the callers, over a few connections.
func (s *soak) crowd(addr string) (crowd []*caller) {
	type line struct {
		locks  *client.Client
		losses *losses
		wire   *wire
	}
	lines := make([]line, connections)
	for i := range lines {
		nc, log := dial(s.t, addr), newLosses()
		locks, err := client.New(nc, &client.Options{Realm: "soak", ID: fmt.Sprintf("line-%d", i), Timeout: clientTimeout, SessionTTL: clientTTL, Grace: clientTTL, Logger: slog.New(log)})
		if err != nil {
			s.t.Fatal(err)
		}
		lines[i] = line{locks, log, newWire(s.t, nc, "soak")}
	}
	for i := range max(*callers, connections) {
		l := lines[i%connections]
		c := &caller{id: i, soak: s, locks: l.locks, losses: l.losses, wire: l.wire, rand: rand.New(rand.NewPCG(*seed, uint64(i)+2))}
		c.does("nothing")
		crowd = append(crowd, c)
	}
	return crowd
}

// enter is the generation of locks to use now. Every enter is followed by a
// Done of its users.
func (s *soak) enter() *generation {
	s.turnover.Lock()
	defer s.turnover.Unlock()
	g := s.current.Load()
	g.users.Add(1)
	return g
}

// turn makes a new generation of locks every now and then, and reports.
func (s *soak) turn(ctx context.Context, chaos *chaos) {
	next, report := now()+generate, now()+progress
	for ctx.Err() == nil {
		pause(ctx, 200*time.Millisecond)
		if g := s.current.Load(); now() >= next || g.longest() > maxHistory {
			s.turnover.Lock()
			s.current.Store(newGeneration(g.number + 1))
			s.turnover.Unlock()
			s.retire(g)
			next = now() + generate
		}
		if now() >= report {
			kills, stops, freezes, slowest := chaos.tally()
			s.t.Logf("%s: generation %d, %d operations checked, %d kills, %d stops, %d freezes, slowest start %s, %d goroutines", now().Round(time.Second),
				s.current.Load().number, s.checked.Load(), kills, stops, freezes, slowest.Round(time.Millisecond), runtime.NumGoroutine())
			report += progress
		}
	}
}

// retire checks a generation once nobody uses it any more.
func (s *soak) retire(g *generation) {
	s.checking.Go(func() {
		g.users.Wait()
		s.one.Lock()
		defer s.one.Unlock()
		n, errs := g.check(s.pics)
		s.checked.Add(int64(n))
		for _, err := range errs {
			s.fail(err)
		}
	})
}

// stuck reports the callers that were never answered.
func (s *soak) stuck(crowd []*caller) {
	for _, c := range crowd {
		if what := *c.doing.Load(); what != "nothing" {
			s.fail(fmt.Errorf("caller %d: %s: not answered %s after the last fault", c.id, what, drainFor))
		}
	}
}

// empty looks for locks that are still held.
func (s *soak) empty(c *caller) {
	ctx, cancel := context.WithTimeout(context.Background(), drainFor)
	defer cancel()
	for {
		a, err := c.wire.ask(ctx, schema.JSON, schema.VerbList, "", &schema.List{Client: c.name()})
		if err != nil {
			s.t.Errorf("list: %v", err)
			return
		}
		if a.Status != schema.StatusOK {
			s.t.Error(unexpected(schema.VerbList, &a))
			return
		}
		if len(a.Locks) == 0 {
			return
		}
		// What was given up while nobody answered is canceled in the background.
		if pause(ctx, 100*time.Millisecond); ctx.Err() != nil {
			s.t.Errorf("held at the end: %+v", a.Locks)
			return
		}
	}
}

//go:build linux

package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/natslock/natslock/schema"
)

const (
	visitors  = 24 // at a time
	hotDoors  = 4  // locks that all of them want
	hotFor    = time.Second
	victims   = 2 // processes at a time that visit and are killed
	freeIn    = 15 * time.Second
	freeLater = 45 * time.Second // when nothing tells that the visitor is gone
)

// ways are all ways in.
var ways = []string{byTCP, byUnix, byWebsocket, byLDLM}

// doorsSoak is many visitors of the doors of one server that suffers.
type doorsSoak struct {
	t     *testing.T
	chaos *chaos
	addrs doorAddrs
	fail  func(error)

	mu      sync.Mutex
	rooms   map[string]*room         // by lock
	counts  map[string]int           // what was done, and how often
	slowest map[string]time.Duration // until a lock was free after an end of its holder's connection
}

// TestDoorsSoak lets clients of lockd and of LDLM come by every way in, take the same
// locks, and drop in every way, while the server is killed, stopped and frozen.
func TestDoorsSoak(t *testing.T) {
	t.Parallel()
	t.Logf("seed %d: go test ./cmd/natslock/soak -v -run TestDoorsSoak -soak %s -seed %d", *seed, *soakFor, *seed)
	dir, err := os.MkdirTemp("", "doors") //nolint:usetesting // the name of the test would be too much for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &doorsSoak{
		t: t, rooms: map[string]*room{}, counts: map[string]int{}, slowest: map[string]time.Duration{},
		addrs: doorAddrs{byTCP: freeAddr(t), byUnix: filepath.Join(dir, "s"), byWebsocket: freeAddr(t), byLDLM: freeAddr(t)},
	}
	s.chaos = &chaos{
		t: t, addr: freeAddr(t), data: t.TempDir(), rand: rand.New(rand.NewPCG(*seed, 3)), long: *soakFor >= time.Minute,
		args: []string{
			"--lockd", s.addrs[byTCP], "--lockd-unix", s.addrs[byUnix], "--lockd-ws", s.addrs[byWebsocket], "--lockd-realm", "doors",
			"--ldlm", s.addrs[byLDLM], "--ldlm-realm", "doors", "--drain", "2s",
		},
	}
	if err := s.chaos.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.chaos.now.kill() })
	s.run()
	kills, stops, freezes, slowest := s.chaos.tally()
	t.Logf("%d kills, %d stops, %d freezes; slowest start %s", kills, stops, freezes, slowest.Round(time.Millisecond))
	t.Logf("done: %v; free after: %v", s.counts, s.slowest)
	if t.Failed() {
		t.Logf("natslock said:\n%s", s.chaos.now.output())
	}
}

// run lets visitors come while there is trouble, and looks at what is left.
func (s *doorsSoak) run() {
	ctx, cancel := context.WithTimeout(context.Background(), *soakFor+2*patience)
	defer cancel()
	trouble, calm := context.WithTimeout(ctx, *soakFor)
	defer calm()
	s.fail = func(err error) {
		s.t.Error(err)
		calm()
	}
	var work sync.WaitGroup
	for i := range visitors {
		g := &guest{doorsSoak: s, id: i, rand: rand.New(rand.NewPCG(*seed, doorsID+uint64(i)))}
		work.Go(func() { g.run(ctx, trouble) })
	}
	for i := range victims {
		g := &guest{doorsSoak: s, id: visitors + i, rand: rand.New(rand.NewPCG(*seed, doorsID+visitors+uint64(i)))}
		work.Go(func() { g.sacrifice(ctx, trouble) })
	}
	if err := s.chaos.run(trouble); err != nil {
		s.fail(err)
	}
	work.Wait()
	s.empty()
}

// doorsID begins what sets the chance of visitors apart from that of others.
const doorsID = 1 << 40

// did counts something.
func (s *doorsSoak) did(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[what]++
}

// empty looks for locks that are still held, or waited for.
func (s *doorsSoak) empty() {
	began := now()
	ctx, cancel := context.WithTimeout(context.Background(), freeLater)
	defer cancel()
	nc := dial(s.t, s.chaos.addr)
	for _, realm := range []string{"doors", "doors-shared"} {
		w := newWire(s.t, nc, realm)
		for {
			a, err := w.ask(ctx, schema.JSON, schema.VerbList, "", &schema.List{})
			if err != nil || a.Status != schema.StatusOK {
				s.t.Error(realm, a, err)
				return
			}
			if len(a.Locks) == 0 {
				break
			}
			if pause(ctx, 50*time.Millisecond); ctx.Err() != nil {
				s.t.Errorf("%s: held at the end: %+v", realm, a.Locks)
				return
			}
		}
	}
	s.t.Logf("all is free %s after the last visit", (now() - began).Round(time.Millisecond))
}

// guest visits again and again.
type guest struct {
	*doorsSoak
	id    int
	rand  *rand.Rand
	count int
}

// arrive visits by any way, however long there is no server.
func (g *guest) arrive(ctx context.Context) (visitor, string) {
	way := ways[g.rand.IntN(len(ways))]
	for end := now() + patience; ; pause(ctx, again) {
		v, err := arrive(ctx, way, g.addrs)
		if err == nil {
			return v, way
		}
		if ctx.Err() != nil || now() >= end {
			g.fail(fmt.Errorf("guest %d: %s: %w", g.id, way, err))
			return nil, way
		}
	}
}

// run visits until the trouble is over.
func (g *guest) run(ctx, trouble context.Context) {
	for trouble.Err() == nil {
		v, way := g.arrive(ctx)
		if v == nil {
			return
		}
		switch g.rand.IntN(4) {
		case 0:
			g.own(ctx, v, way)
		case 1:
			g.did(way + " broken off")
			v.breakOff(g.hot())
		default:
			g.share(ctx, trouble, v, way)
		}
		v.close()
	}
}

// hot is a lock that others want now. Some of what was held when the server was killed
// nobody gets for a while: then others are hot.
func (g *guest) hot() string {
	return fmt.Sprintf("hot-%d-%d", now()/hotFor, g.rand.IntN(hotDoors))
}

// room is what a lock guards.
func (s *doorsSoak) room(name string) *room {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rooms[name] == nil {
		s.rooms[name] = &room{}
	}
	return s.rooms[name]
}

// share takes locks that others want too, some times, and releases each or drops.
func (g *guest) share(ctx, trouble context.Context, v visitor, way string) {
	for range 1 + g.rand.IntN(20) {
		name := g.hot()
		room := g.room(name)
		got, err := v.take(ctx, name)
		if errors.Is(err, errUnfit) {
			g.fail(err)
		}
		if err != nil || trouble.Err() != nil {
			return
		}
		if !got {
			pause(ctx, time.Duration(g.rand.Int64N(int64(3*time.Millisecond))))
			continue
		}
		g.did(way + " held")
		since := now()
		stay := &stay{visitor: v, who: fmt.Sprintf("guest %d by %s", g.id, way)}
		room.enter(stay)
		pause(ctx, time.Duration(g.rand.Int64N(int64(10*time.Millisecond))))
		doubted := room.end(stay)
		if g.rand.IntN(3) == 0 {
			right := doubted && v.there()
			g.drop(v, way, 30)
			if err := room.leave(stay, right); err != nil {
				g.fail(err)
			}
			return
		}
		released, err := v.give(ctx, name)
		if err == nil && !released && g.chaos.wellSince() < since {
			g.fail(fmt.Errorf("guest %d by %s: %s was not its own to release", g.id, way, name))
		}
		if err := room.leave(stay, err == nil && released); err != nil {
			g.fail(err)
		}
		if err != nil {
			return
		}
	}
}

// drop ends the connection in one of the ways in which one can, and tells how soon that
// must be seen. That of a machine which has lost its power keeps others from the lock.
func (g *guest) drop(v visitor, way string, powerLoss int) time.Duration {
	if _, ok := v.raw().Conn.(*net.TCPConn); ok && g.rand.IntN(powerLoss) == 0 {
		g.did(way + " vanished")
		_ = v.raw().vanish() // see TestWhoVanishesHoldsNothingForLong
		return freeLater
	}
	switch g.rand.IntN(3) {
	case 0:
		g.did(way + " closed")
		v.close()
	case 1:
		g.did(way + " reset")
		v.raw().reset()
	default:
		g.did(way + " closed without a farewell")
		_ = v.raw().Close()
	}
	return freeIn
}

// own takes a lock that nobody else wants and drops, and finds that it is free soon.
func (g *guest) own(ctx context.Context, v visitor, way string) {
	g.count++
	name := fmt.Sprintf("own-%d-%d", g.id, g.count)
	asked := now()
	got, err := v.take(ctx, name)
	if err != nil {
		return
	}
	if !got {
		if g.chaos.wellSince() < asked { // else nobody may have decided it in time
			g.fail(fmt.Errorf("guest %d by %s: %s is held by nobody", g.id, way, name))
		}
		return
	}
	dropped := now()
	g.freed(ctx, name, way, dropped, g.drop(v, way, 4))
}

// freed takes a lock that is to be free soon after a moment. If the server has suffered
// since, it has more time, from when it is well.
func (g *guest) freed(ctx context.Context, name, way string, since, bound time.Duration) {
	var v visitor
	for {
		if v == nil {
			if v, _ = g.arrive(ctx); v == nil {
				return
			}
		}
		asked := now()
		got, err := v.take(ctx, name)
		if err != nil {
			v.close()
			v = nil
		}
		well := g.chaos.wellSince()
		switch {
		case err == nil && got:
			v.close()
			if well < since {
				g.mu.Lock()
				g.slowest[way] = max(g.slowest[way], now()-since)
				g.mu.Unlock()
			}
			return
		case well == forever:
		case well < since && asked > since+bound, asked > max(well, since)+freeLater:
			g.fail(fmt.Errorf("guest %d by %s: %s is held %s after it was dropped", g.id, way, name, (asked - since).Round(time.Millisecond)))
			return
		}
		pause(ctx, 10*time.Millisecond)
	}
}

package service_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// collection is longer than all steps of one take.
const collection = time.Hour

// day is a TTL that does not matter.
func day() *int64 { return ms(24 * time.Hour.Milliseconds()) }

// collecting runs a test with n workers that collect little garbage, too.
func collecting(t *testing.T, n int, test func(b *bubble)) {
	t.Helper()
	inBubbleOf(t, 0, func(b *bubble) {
		b.tune = func(w *service.Worker) { w.CollectFrom(5) }
		for range n {
			b.start(b.store, nil)
		}
		test(b)
	})
}

// use takes and releases so many locks.
func (b *bubble) use(n int) (names []string) {
	b.t.Helper()
	for i := range n {
		name := fmt.Sprint("used", i)
		b.unlock(name, b.lock(&schema.Acquire{Name: name, TTL: day()}))
		names = append(names, name)
	}
	return names
}

func TestRecordsOfLocksThatNobodyUsesAreDropped(t *testing.T) {
	collecting(t, 2, func(b *bubble) {
		held := b.lock(&schema.Acquire{Name: "held", TTL: day()})
		several := b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"x", "y"}, TTL: day()})
		waiting := b.send(&schema.Acquire{Name: "held", Client: "w", Wait: 2 * collection.Milliseconds()})
		noted := b.send(&schema.Acquire{Names: []string{"a", "held"}, Client: "n", Wait: 2 * collection.Milliseconds()})
		b.settle()
		b.wantWaiters("a", "n")
		used := b.use(20)
		b.pass(collection)
		if n := b.store.Keys(); n != 5 { // held, x, y, a and the floor
			t.Errorf("%d records", n)
		}
		b.wantWaiters("a", "n")
		b.wantWaiters("held", "w")
		if r := b.state("held").Holders[0]; r.Token != held {
			t.Errorf("the token %d became %d", held, r.Token)
		}
		for i, name := range []string{"x", "y"} {
			if r := b.state(name).Holders[0]; r.Token != several.Locks[i].Token {
				t.Errorf("%s: the token %d became %d", name, several.Locks[i].Token, r.Token)
			}
		}
		b.unlock("held", held)
		b.unlock("held", waiting.want(schema.StatusGranted).Token)
		noted.want(schema.StatusGranted)
		for _, name := range used {
			b.wantHolders(name)
			if token := b.lock(&schema.Acquire{Name: name}); token <= held {
				t.Errorf("%s: the token %d is not larger than %d", name, token, held)
			}
		}
	})
}

// What a purge dropped can be there again as it was before: held.
func TestWhatComesBackAfterAPurgeIsNoRecord(t *testing.T) {
	collecting(t, 1, func(b *bubble) {
		held := b.lock(&schema.Acquire{Name: "held", TTL: day()})
		used := b.use(20)
		b.pass(collection)
		if back := b.store.Rebuild(); back != len(used) {
			t.Fatalf("%d came back", back)
		}
		check := func() {
			t.Helper()
			if names := b.list(schema.List{}); !equal(names, []string{"held"}) {
				t.Errorf("held are %q", names)
			}
			for _, name := range used[10:] {
				b.wantHolders(name)
			}
		}
		check()
		b.workers[0].stop(t)
		b.start(b.store, nil)
		check()
		b.start(b.store, nil)
		for _, name := range used[:10] {
			if token := b.lock(&schema.Acquire{Name: name}); token <= held {
				t.Errorf("%s: the token %d is not larger than %d", name, token, held)
			}
		}
		b.settle()
		if names := b.list(schema.List{}); len(names) != 11 {
			t.Errorf("held are %q", names)
		}
		b.pass(collection)
		if n := b.store.Keys(); n > 12 {
			t.Errorf("%d records: what came back has stayed", n)
		}
	})
}

func TestACollectionRestartsNoTTL(t *testing.T) {
	collecting(t, 1, func(b *bubble) {
		begin := time.Now()
		b.lock(&schema.Acquire{Name: "a", TTL: ms(collection.Milliseconds())})
		waiting := b.send(&schema.Acquire{Name: "a", Client: "w", Wait: collection.Milliseconds() / 2})
		b.use(20)
		revision := b.revision("a")
		b.pass(collection/2 - time.Since(begin) - time.Second)
		if b.revision("a") == revision {
			t.Error("it was not touched")
		}
		waiting.silent(0)
		b.pass(2 * time.Second)
		waiting.want(schema.StatusTimeout)
		b.pass(collection - time.Since(begin) - time.Second)
		if b.store.Keys() != 2 {
			t.Errorf("%d records", b.store.Keys())
		}
		b.wantHolders("a", "")
		b.pass(2 * time.Second)
		b.wantHolders("a")
	})
}

// revision is what the record of a lock is at.
func (b *bubble) revision(name string) uint64 {
	b.t.Helper()
	e, err := b.store.Load(b.t.Context(), schema.LockKey(realm, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return e.Revision
}

// What is not understood is not garbage.
func TestNothingIsDroppedBesideWhatCannotBeRead(t *testing.T) {
	for _, key := range []string{schema.LockKey(realm, "damaged"), "elsewhere"} {
		collecting(t, 0, func(b *bubble) {
			log, failures := b.startToTell()
			b.write(key, "what is this?")
			used := b.use(20)
			b.pass(3 * collection)
			if n := b.store.Keys(); n != len(used)+1 {
				t.Errorf("%s: %d records", key, n)
			}
			if n := strings.Count(log(), "the bucket grows"); n != 1 || failures() < 2 || !strings.Contains(log(), key) {
				t.Errorf("%s: %v failures, told %d times: %s", key, failures(), n, log())
			}
			b.store.Drop(key)
			b.pass(collection)
			if n := b.store.Keys(); n != 1 {
				t.Errorf("%s: then %d records", key, n)
			}
		})
	}
}

func TestAPurgeThatIsRefusedIsToldOnce(t *testing.T) {
	collecting(t, 0, func(b *bubble) {
		log, failures := b.startToTell()
		b.store.RefusePurge(errors.New("no permission to purge"))
		used := b.use(20)
		b.pass(3 * collection)
		if n := strings.Count(log(), "no permission to purge"); n != 1 || failures() < 2 {
			t.Errorf("%v failures, told %d times: %s", failures(), n, log())
		}
		if n := b.store.Keys(); n != len(used)+1 {
			t.Errorf("%d records", n)
		}
		b.store.RefusePurge(nil)
		b.pass(collection)
		if n := b.store.Keys(); n != 1 {
			t.Errorf("then %d records", n)
		}
	})
}

// startToTell starts a worker, and returns what tells its warnings, and how often
// it could not collect.
func (b *bubble) startToTell() (log func() string, failures func() float64) {
	b.t.Helper()
	text := new(lockedText)
	registry := prometheus.NewRegistry()
	b.start(b.store, &service.Config{
		Metrics: registry, Logger: slog.New(slog.NewTextHandler(text, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	return text.String, func() float64 {
		families, err := registry.Gather()
		if err != nil {
			b.t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "natslock_collect_failures_total" {
				return f.Metric[0].Counter.GetValue()
			}
		}
		b.t.Fatal("no such metric")
		return 0
	}
}

// lockedText is a text that is written to by many.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// write writes a key past all workers, whatever it is at.
func (b *bubble) write(key, value string) (revision uint64) {
	b.t.Helper()
	e, err := b.store.Load(b.t.Context(), key)
	if err != nil {
		b.t.Fatal(err)
	}
	done := make(chan error, 1)
	b.store.Commit([]bus.Write{{Key: key, Value: []byte(value), Expected: e.Revision}}, func(r uint64, err error) {
		revision = r
		done <- err
	})
	if err := <-done; err != nil {
		b.t.Fatal(err)
	}
	b.settle()
	return revision
}

// A crash of the store can take what was written anew, and leave the next floor.
func TestAFloorIsNotRaisedAboveWhatIsInUse(t *testing.T) {
	collecting(t, 1, func(b *bubble) {
		held := b.lock(&schema.Acquire{Name: "held", TTL: day()})
		used := b.use(20)
		b.pass(2 * time.Minute)
		b.write("floor", fmt.Sprintf(`{"floor":0,"next":%d}`, b.revision(used[19])+1))
		b.pass(collection)
		if n := b.store.Keys(); n != 2 {
			t.Errorf("%d records", n)
		}
		if r := b.state("held").Holders; len(r) != 1 || r[0].Token != held {
			t.Errorf("held by %+v, want %d", r, held)
		}
	})
}

// A worker that knows no floor, and then one that it cannot read.
func TestAFloorThatCannotBeReadEndsTheWorker(t *testing.T) {
	inBubbleOf(t, 0, func(b *bubble) {
		b.write("floor", `{"floor":"high"}`)
		for _, store := range []bus.Store{b.store} {
			worker, err := service.New(b.dial(), store, b.sessions, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := worker.Run(b.t.Context(), func() { t.Error("ready") }); err == nil || !strings.Contains(err.Error(), "floor") {
				t.Errorf("run: %v", err)
			}
		}
	})
}

// heldStore shows its watches nothing while it is held.
type heldStore struct {
	bus.Store
	gate chan struct{} // holds one while it is held
}

func (s *heldStore) Watch(ctx context.Context, seen func(bus.Entry), ready func()) error {
	return s.Store.Watch(ctx, func(e bus.Entry) {
		s.gate <- struct{}{}
		seen(e)
		<-s.gate
	}, ready)
}

// A worker that was away sees neither the release of a lock nor the purge. What
// came back looks just like the record that it knows.
func TestAWorkerThatWasAwayTakesNothingForARecordThatCameBack(t *testing.T) {
	for _, what := range []string{"acquire", "inspect", "list"} {
		collecting(t, 1, func(b *bubble) {
			names := b.use(20) // and then hold one of them
			name := names[7]
			token := b.lock(&schema.Acquire{Name: name, TTL: day()})
			kept := b.lock(&schema.Acquire{Name: "kept", TTL: day()})
			away := &heldStore{Store: b.store, gate: make(chan struct{}, 1)}
			b.tune = func(w *service.Worker) { w.CollectFrom(1 << 60) } // it knows no better than to leave some
			b.start(away, nil)
			away.gate <- struct{}{}
			defer func() { <-away.gate }()
			for { // until the other worker has released it
				if r := b.ask(&schema.Release{Name: name, Token: token}); r.Status == schema.StatusReleased || r.Status == schema.StatusNotHeld {
					break
				}
			}
			b.pass(collection)
			if b.store.Keys() != 2 {
				t.Fatalf("%d records", b.store.Keys())
			}
			b.store.Rebuild()
			b.workers[0].stop(t)
			if what == "list" {
				<-away.gate
				b.settle()
				away.gate <- struct{}{}
				if got := b.list(schema.List{}); !equal(got, []string{"kept"}) {
					t.Errorf("held are %q", got)
				}
			}
			if what == "acquire" {
				if got := b.lock(&schema.Acquire{Name: name, TTL: day()}); got <= token {
					t.Errorf("the token %d is not larger than %d", got, token)
				}
			} else {
				b.wantHolders(name)
			}
			if got := b.state("kept").Holders; len(got) != 1 || got[0].Token != kept {
				t.Errorf("kept is held by %+v, want %d", got, kept)
			}
		})
	}
}

// Whatever comes and goes, and whatever comes back: a lock is held by who took it
// last, until he releases it.
func TestCollectionsNeverChangeWhoHolds(t *testing.T) {
	begin, first := time.Now(), *seed
	for s := first; s < first+3 || time.Since(begin) < *long; s++ {
		collecting(t, 1+int(s%2), func(b *bubble) { churn(b, rand.New(rand.NewPCG(s, 3))) })
		if t.Failed() {
			t.Fatalf("-seed %d", s)
		}
	}
}

func churn(b *bubble, r *rand.Rand) {
	tokens, last := map[string]uint64{}, uint64(0)
	if r.IntN(2) == 0 {
		b.store.Fail(hiccups(rand.New(rand.NewPCG(r.Uint64(), 1))))
	}
	for range 150 {
		name := fmt.Sprint("n", r.IntN(40))
		switch token, held := tokens[name]; {
		case r.IntN(30) == 0:
			b.store.Rebuild()
		case r.IntN(30) == 0:
			b.workers[len(b.workers)-1].stop(b.t)
			b.start(b.store, nil)
		case r.IntN(4) == 0:
			b.pass(time.Duration(r.IntN(10)) * time.Minute)
		case held && r.IntN(3) > 0:
			b.wantAtLast(schema.StatusReleased, &schema.Release{Name: name, Token: token})
			delete(tokens, name)
		case held:
			b.want(schema.StatusHeld, &schema.Acquire{Name: name, Client: "other"})
		default:
			tokens[name] = b.lock(&schema.Acquire{Name: name, TTL: day()})
			if tokens[name] <= last {
				b.t.Errorf("%s: the token %d after %d", name, tokens[name], last)
			}
			last = tokens[name]
		}
		for name := range tokens {
			if r.IntN(8) > 0 {
				continue
			}
			if state := b.state(name).Holders; len(state) != 1 || state[0].Token != tokens[name] {
				b.t.Errorf("%s is held by %+v, want %d", name, state, tokens[name])
			}
		}
		if b.t.Failed() {
			return
		}
	}
	b.store.Fail(nil)
	b.pass(collection)
	if n := b.store.Keys(); n > 2*len(tokens)+7 && n > 7+5 {
		b.t.Errorf("%d records of %d locks", n, len(tokens))
	}
}

// What was written anew is on disk before anything is dropped for it.
func TestACollectionWaitsForTheStoreToSync(t *testing.T) {
	collecting(t, 0, func(b *bubble) {
		b.start(b.store, &service.Config{Sync: 5 * collection})
		used := b.use(20)
		b.pass(18 * collection)
		if n := b.store.Keys(); n != len(used)+1 {
			t.Errorf("%d records", n)
		}
		b.pass(6 * collection)
		if n := b.store.Keys(); n != 1 {
			t.Errorf("then %d records", n)
		}
	})
}

func TestMetricsOfCollections(t *testing.T) {
	collecting(t, 0, func(b *bubble) {
		registry := prometheus.NewPedanticRegistry()
		b.start(b.store, &service.Config{Metrics: registry})
		b.lock(&schema.Acquire{Name: "held", TTL: day()})
		b.use(20)
		b.pass(15 * time.Minute)
		const before = "# HELP natslock_garbage_records Those of them that are of locks which nobody uses, when it was last looked at.\n" +
			"# TYPE natslock_garbage_records gauge\nnatslock_garbage_records 20\n"
		if err := testutil.GatherAndCompare(registry, strings.NewReader(before), "natslock_garbage_records"); err != nil {
			t.Error(err)
		}
		b.pass(collection)
		const after = "# HELP natslock_records Records in the bucket of the locks, when it was last looked at.\n" +
			"# TYPE natslock_records gauge\nnatslock_records 2\n"
		if err := testutil.GatherAndCompare(registry, strings.NewReader(after), "natslock_records"); err != nil {
			t.Error(err)
		}
	})
}

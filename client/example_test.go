package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"sync/atomic"
	"time"

	"github.com/natslock/natslock/client"
)

func Example() {
	nc := connect() // nats.Connect("nats://127.0.0.1:4222")
	defer nc.Close()
	locks, err := client.New(nc, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer locks.Close()

	l, err := locks.Acquire(context.Background(), "reports/daily", client.Wait(10*time.Second))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("working under", l.Name())
	if err := l.Release(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output: working under reports/daily
}

func ExampleClient_TryAcquire() {
	locks, done := newClient(nil)
	defer done()
	others, done := newClient(&client.Options{ID: "importer-7"})
	defer done()
	ctx := context.Background()
	if _, err := others.TryAcquire(ctx, "import"); err != nil {
		log.Fatal(err)
	}

	_, err := locks.TryAcquire(ctx, "import")
	var refused *client.Error
	if errors.Is(err, client.ErrHeld) && errors.As(err, &refused) {
		fmt.Println("busy:", refused.Holders[0].Client)
	}
	// Output: busy: importer-7
}

func ExampleClient_Acquire() {
	locks, done := newClient(nil)
	defer done()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()

	first, err := locks.Acquire(ctx, "printer")
	if err != nil {
		log.Fatal(err)
	}
	_, err = locks.Acquire(ctx, "printer")
	fmt.Println(errors.Is(err, client.ErrTimeout), errors.Is(err, context.DeadlineExceeded))
	fmt.Println(first.Err())
	// Output:
	// true true
	// <nil>
}

func ExampleClient_Do() {
	locks, done := newClient(nil)
	defer done()

	err := locks.Do(context.Background(), "invoices", func(ctx context.Context, l *client.Lock) error {
		for i := range 3 {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx) // client.ErrLost: stop, somebody else may go on
			}
			fmt.Println("invoice", i)
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// invoice 0
	// invoice 1
	// invoice 2
	// <nil>
}

// A program that holds a lock for each of its shards stops them all when its session
// is lost.
func ExampleClient_Presence() {
	locks, done := newClient(nil)
	defer done()
	ctx := context.Background()
	present, err := locks.Presence(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for shard := range 3 {
		if _, err := locks.TryAcquire(ctx, fmt.Sprintf("shard/%d", shard)); err != nil {
			log.Fatal(err)
		}
	}

	fmt.Println("serving:", present.Err() == nil)
	locks.Close() // gives everything back; a crash would too, within seconds
	<-present.Done()
	fmt.Println(context.Cause(present)) // client.ErrLost if the session was lost
	// Output:
	// serving: true
	// client closed
}

// What is to be held without the program is left to its TTL.
func ExampleTTL() {
	locks, done := newClient(nil)
	defer done()

	l, err := locks.TryAcquire(context.Background(), "release/2.1", client.TTL(time.Hour), client.NoRenew())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Name(), "is held for an hour, also after Close")
	// Output: release/2.1 is held for an hour, also after Close
}

func ExampleClient_AcquireAll() {
	locks, done := newClient(nil)
	defer done()
	ctx := context.Background()

	both, err := locks.AcquireAll(ctx, []string{"account/1", "account/2"})
	if err != nil {
		log.Fatal(err)
	}
	for _, l := range both.Locks() {
		fmt.Println(l.Name(), l.Err())
	}
	fmt.Println(both.Release(ctx))
	// Output:
	// account/1 <nil>
	// account/2 <nil>
	// <nil>
}

// A semaphore: of many, at most three at a time.
func ExampleSize() {
	locks, done := newClient(nil)
	defer done()
	var inside, most atomic.Int64
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			err := locks.Do(context.Background(), "downloads", func(context.Context, *client.Lock) error {
				most.Store(max(most.Load(), inside.Add(1)))
				inside.Add(-1)
				return nil
			}, client.Size(3))
			if err != nil {
				log.Print(err)
			}
		})
	}
	all.Wait()
	fmt.Println(most.Load() <= 3)
	// Output: true
}

// ledger is a resource that a lock guards. It refuses who held the lock earlier
// and does not know yet that it is over.
type ledger struct {
	mu   sync.Mutex
	seen uint64
}

func (l *ledger) write(token uint64, entry string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if token < l.seen {
		return fmt.Errorf("%s: fenced off", entry)
	}
	l.seen = token
	return nil
}

func ExampleLock_Token() {
	locks, done := newClient(nil)
	defer done()
	ctx := context.Background()
	var guarded ledger

	slow, err := locks.TryAcquire(ctx, "ledger")
	if err != nil {
		log.Fatal(err)
	}
	// It is stopped for long, and others take over.
	if _, err := locks.Force(ctx, "ledger", nil); err != nil {
		log.Fatal(err)
	}
	next, err := locks.TryAcquire(ctx, "ledger")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(guarded.write(next.Token(), "next"))
	fmt.Println(guarded.write(slow.Token(), "slow"))
	// Output:
	// <nil>
	// slow: fenced off
}

func ExampleClient_List() {
	locks, done := newClient(nil)
	defer done()
	ctx := context.Background()
	for _, name := range []string{"host/b", "host/a"} {
		if _, err := locks.TryAcquire(ctx, name); err != nil {
			log.Fatal(err)
		}
	}
	for state, err := range locks.List(ctx, &client.ListOptions{Prefix: "host/"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(state.Name, state.Mode, len(state.Holders))
	}
	// Output:
	// host/a exclusive 1
	// host/b exclusive 1
}

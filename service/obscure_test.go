package service_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
)

// obscure makes the record of a lock one that this version cannot read, and counts the
// writes of locks from then on. After the thousandth none is answered.
func (b *bubble) obscure(name string) (writes *atomic.Int64) {
	b.t.Helper()
	b.settle()
	_, revision := b.stored(name)
	b.store.Commit([]bus.Write{{Key: schema.LockKey(realm, name), Value: []byte("\xff written by a later version"), Expected: revision}}, func(uint64, error) {})
	b.settle()
	writes = new(atomic.Int64)
	b.store.Fail(func([]bus.Write) bustest.Fault {
		if writes.Add(1) > 1000 {
			return bustest.Fault{Delay: time.Hour}
		}
		return bustest.Fault{}
	})
	return writes
}

// What a record that cannot be read would have to lose is tried, but not again and
// again: whoever wrote it sees to it.
func TestALockThatCannotBeReadIsLeftAlone(t *testing.T) {
	for how, end := range map[string]func(*bubble){
		"leave":   func(b *bubble) { b.as("c", &schema.Leave{Session: "s"}).want(schema.StatusOK) },
		"silence": func(b *bubble) { b.pass(11 * time.Second) },
		"expiry":  func(b *bubble) { b.keep("c", "s", 40*time.Second) },
	} {
		t.Run(how, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				b.open("c", "s")
				b.as("c", &schema.Acquire{Name: "a", Session: "s", TTL: ms(30_000)}).want(schema.StatusGranted)
				b.as("d", &schema.Acquire{Name: "a", Wait: 3_600_000})
				writes := b.obscure("a")
				end(b)
				b.pass(10 * time.Second)
				if n := writes.Load(); n == 0 || n > 50 {
					t.Errorf("%d writes", n)
				}
				b.store.Fail(nil)
			})
		})
	}
}

// Nobody knows whether there is a hold: it does not count as one that has ended.
func TestALockThatCannotBeReadDoesNotCount(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.present("c", "s", "a")
		b.present("c", "s", "good")
		b.obscure("a")
		if n := *b.as("c", &schema.Leave{Session: "s"}).want(schema.StatusOK).Count; n != 1 {
			t.Errorf("%d holds ended, want 1", n)
		}
		b.wantHolders("good")
		b.store.Fail(nil)
	})
}

// One lock that cannot be read does not keep a session from hearing that it lives.
func TestALockThatCannotBeReadKeepsNoKeepaliveFromItsAnswer(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.present("c", "s", "a")
		b.present("c", "s", "good")
		b.obscure("a")
		b.as("c", &schema.Keepalive{Session: "s", TTL: ms(21_000)}).want(schema.StatusOK)
		b.keep("c", "s", time.Minute)
		b.wantHolders("good", "c")
		b.store.Fail(nil)
	})
}

package client_test

import (
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/natslock/natslock/client/clienttest"
)

func TestMain(m *testing.M) {
	ats.Register()
	os.Exit(m.Run())
}

func TestSmoke(t *testing.T) {
	start := time.Now()
	s := clienttest.New(t)
	t.Log(time.Since(start))
	c := s.Client(nil)
	for range 3 {
		start := time.Now()
		l, err := c.TryAcquire(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Log(l.Token(), time.Since(start))
	}
}

func TestBubble(t *testing.T) {
	runtime.GC()
	runtime.GC()
	synctest.Test(t, func(t *testing.T) {
		s := clienttest.New(t)
		c := s.Client(nil)
		l, err := c.TryAcquire(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if err := l.Err(); err != nil {
			t.Fatal(err)
		}
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

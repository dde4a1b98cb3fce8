package service_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

func TestInspectShowsHoldersAndWaiters(t *testing.T) {
	inBubble(t, func(b *bubble) {
		begin := time.Now()
		token := b.lock(&schema.Acquire{Name: "a", Client: "x", Owner: "o", Mode: schema.ModeShared, Size: 2, Meta: schema.Meta(`{"k":1}`)})
		b.pass(time.Second)
		b.send(&schema.Acquire{Name: "a", Client: "y", Owner: "p", Wait: 60_000, Meta: schema.Meta(`{"w":2}`)})
		b.settle()
		b.pass(time.Second)
		s := b.state("a")
		if s.Name != "a" || !*s.Held || s.Mode != schema.ModeShared || s.Size != 2 || len(s.Holders) != 1 || len(s.Waiters) != 1 {
			b.t.Fatalf("%+v", s)
		}
		h, w := s.Holders[0], s.Waiters[0]
		if h.Client != "x" || h.Owner != "o" || h.Token != token || h.TTL != 30_000 || *h.ExpiresIn != 28_000 ||
			!h.GrantedAt.Equal(begin) || string(h.Meta) != `{"k":1}` || len(h.Sessions) != 0 {
			t.Errorf("holder %+v", h)
		}
		if w.Client != "y" || w.Owner != "p" || w.Mode != schema.ModeExclusive || !w.QueuedAt.Equal(begin.Add(time.Second)) || string(w.Meta) != `{"w":2}` {
			t.Errorf("waiter %+v", w)
		}
	})
}

func TestInspectOfManyKeepsTheOrderAsked(t *testing.T) {
	inBubble(t, func(b *bubble) {
		names := make([]string, schema.MaxInspect)
		for i := range names {
			names[i] = fmt.Sprint((i * 7) % len(names))
			if i%2 == 0 {
				b.lock(&schema.Acquire{Name: names[i]})
			}
		}
		r := b.want(schema.StatusOK, &schema.Inspect{Names: names})
		for i, l := range r.Locks {
			if l.Name != names[i] || *l.Held != (i%2 == 0) {
				b.t.Fatalf("lock %d: %+v", i, l)
			}
		}
		b.want(schema.StatusInvalid, &schema.Inspect{Names: append(names, "one more")})
	})
}

// Inspect asks the leader of the store, not the worker's memory.
func TestInspectIsNotFromACache(t *testing.T) {
	inBubbleOf(t, 2, func(b *bubble) {
		b.store.SetLag(time.Hour)
		for i := range 20 {
			token := b.lock(&schema.Acquire{Name: "a", Client: fmt.Sprint(i)})
			b.wantHolders("a", fmt.Sprint(i))
			b.unlock("a", token)
			b.wantHolders("a")
		}
	})
}

func TestAnUnreadableRecordIsTheServicesFault(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "b"})
		done := make(chan error, 1)
		b.store.Commit([]bus.Write{{Key: "test.a", Value: []byte{255, 1, 2, 3}}}, func(_ uint64, err error) { done <- err })
		if err := <-done; err != nil {
			b.t.Fatal(err)
		}
		b.settle()
		b.want(schema.StatusInternal, &schema.Inspect{Name: "a"})
		b.want(schema.StatusInternal, &schema.Acquire{Name: "a"})
		b.want(schema.StatusInternal, &schema.Release{Name: "a", Token: 300})
		b.want(schema.StatusInternal, &schema.Acquire{Names: []string{"a", "c"}})
		b.lock(&schema.Acquire{Name: "c"})
		b.want(schema.StatusOK, &schema.List{})
	})
}

func TestAReplyThatWouldBeTooLargeIsRefused(t *testing.T) {
	inBubble(t, func(b *bubble) {
		names := make([]string, 200)
		meta := schema.Meta(`{"k":"` + string(make4k()) + `"}`)
		for i := range names {
			names[i] = fmt.Sprint(i)
			b.lock(&schema.Acquire{Name: names[i], Meta: meta})
		}
		if r := b.want(schema.StatusLimit, &schema.Inspect{Names: names}); r.Message == "" {
			t.Error("no message")
		}
		b.want(schema.StatusOK, &schema.Inspect{Names: names[:50]})
	})
}

func make4k() []byte {
	text := make([]byte, 4000)
	for i := range text {
		text[i] = 'x'
	}
	return text
}

package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// Some write themselves, others have it done, and the session ends in one way or another.
// The client reads the messages of each in their order, none twice, and, unless it was cut
// off, all that were taken.
func TestWhoeverWritesNothingIsLostOrOvertaken(t *testing.T) {
	for seed := range uint64(15) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubble(t, Config{MaxBuffered: 20000, CloseTimeout: time.Second, DrainSpread: time.Second}, func(t *testing.T, b *bubble) {
				writeByMany(t, b, rand.New(rand.NewPCG(seed, 0)))
			})
		})
	}
}

// talk is what several say by one session.
type talk struct {
	sent, got [4]int // messages of each: those that were taken, and the next that is to come
	senders   sync.WaitGroup
	reader    sync.WaitGroup
}

func writeByMany(t *testing.T, b *bubble, r *rand.Rand) {
	s, e := b.openSocket()
	var k talk
	for who := range k.sent {
		pauses := rand.New(rand.NewPCG(r.Uint64(), 0))
		k.senders.Go(func() { k.say(e.session, who, pauses) })
	}
	pause := time.Duration(r.IntN(3)) * time.Millisecond
	k.reader.Go(func() { k.read(t, s, pause) })
	time.Sleep(time.Duration(r.IntN(80)) * time.Millisecond)
	whole := true // what was taken is to come
	switch r.IntN(5) {
	case 0:
		k.senders.Wait()
		e.session.Close(nil)
	case 1:
		e.session.Close(nil)
	case 2:
		if err := b.server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	case 3:
		e.session.Abort(nil)
		whole = false
	case 4:
		_ = s.conn.CloseNow() // the rest is for nobody
		whole = false
	}
	k.senders.Wait()
	if reason := <-e.closed; reason == nil {
		t.Error("it was closed for no reason")
	}
	k.reader.Wait()
	for who, n := range k.got {
		if n > k.sent[who] || whole && n < k.sent[who] {
			t.Errorf("of %d: read %d of %d", who, n, k.sent[who])
		}
	}
}

// say sends messages until the session ends.
func (k *talk) say(s *Session, who int, pauses *rand.Rand) {
	for n := range 50 {
		time.Sleep(time.Duration(pauses.IntN(3)) * time.Millisecond)
		if sendOne(s, Message{Data: fmt.Appendf(nil, "%d %d %s", who, n, strings.Repeat("x", n))}, who%2 == 0) != nil {
			return
		}
		k.sent[who]++
	}
}

// read reads until the session ends.
func (k *talk) read(t *testing.T, s *socket, pause time.Duration) {
	for {
		_, data, err := s.conn.Read(context.WithoutCancel(t.Context()))
		if err != nil {
			return
		}
		text, ok := strings.CutPrefix(string(data), "4")
		if !ok {
			continue // of the protocol itself
		}
		var who, n int
		if _, err := fmt.Sscanf(text, "%d %d", &who, &n); err != nil {
			t.Errorf("read %q: %v", text, err)
		}
		if n != k.got[who] {
			t.Errorf("of %d: read %d, want %d", who, n, k.got[who])
		}
		k.got[who] = n + 1
		time.Sleep(pause)
	}
}

// sendOne sends a message: when there is room, if the sender writes it himself.
func sendOne(s *Session, m Message, write bool) error {
	for {
		if !write {
			return s.Send(m)
		}
		later, mine, err := s.TrySend(m)
		if mine {
			s.Write()
		}
		if later == nil {
			return err
		}
		select {
		case <-later:
		case <-s.Context().Done():
		}
	}
}

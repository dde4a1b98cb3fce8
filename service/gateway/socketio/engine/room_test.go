package engine

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// large is nearly all that may wait in these tests.
var large = Message{Data: make([]byte, 900)}

// trySend sends a large message if want says that there is room, and returns what is
// closed when there may be.
func trySend(t *testing.T, e *echo, want bool) <-chan struct{} {
	t.Helper()
	synctest.Wait()
	later, err := e.session.TrySend(large)
	if (later == nil) != want || err != nil {
		t.Fatalf("there is room: %v, want %v: %v", later == nil, want, err)
	}
	return later
}

func TestRoomComesWhenTheClientReads(t *testing.T) {
	inBubble(t, Config{MaxBuffered: 1000}, func(t *testing.T, b *bubble) {
		s, e := b.openSocket()
		for range 20 {
			trySend(t, e, true)
			one, other := trySend(t, e, false), trySend(t, e, false)
			s.read()
			<-one
			<-other
		}
		synctest.Wait()
		if later, err := e.session.TrySend(Message{Data: make([]byte, 5000)}); later != nil || err != nil {
			t.Errorf("what comes alone: %v", err)
		}
	})
}

func TestRoomComesWhenTheClientPolls(t *testing.T) {
	inBubble(t, Config{MaxBuffered: 1000}, func(t *testing.T, b *bubble) {
		sid, e := b.open()
		trySend(t, e, true)
		later := trySend(t, e, false)
		b.get(sid)
		<-later
		trySend(t, e, true)
	})
}

func TestNobodyWaitsForRoomInVain(t *testing.T) {
	inBubble(t, Config{MaxBuffered: 1000}, func(t *testing.T, b *bubble) {
		_, e := b.openSocket()
		trySend(t, e, true)
		begun := time.Now()
		<-trySend(t, e, false)
		if d := time.Since(begun); d != DefaultWriteTimeout {
			t.Errorf("the client is cut off after %v", d)
		}
		if later, err := e.session.TrySend(large); later != nil || !errors.Is(err, ErrTransport) {
			t.Errorf("%v, %v", later, err)
		}
		e.wantClosed(t, ErrTransport)
		if later, err := e.session.TrySend(Message{Data: []byte{0xff}}); later != nil || !errors.Is(err, ErrText) {
			t.Errorf("%v, %v", later, err)
		}
	})
}

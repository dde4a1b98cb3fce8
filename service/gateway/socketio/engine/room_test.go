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
	later, write, err := e.session.TrySend(large)
	if write {
		go e.session.Write()
	}
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
		later, write, err := e.session.TrySend(Message{Data: make([]byte, 5000)})
		if later != nil || !write || err != nil {
			t.Errorf("what comes alone: %v", err)
		}
		go e.session.Write()
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
		if later, write, err := e.session.TrySend(large); later != nil || write || !errors.Is(err, ErrTransport) {
			t.Errorf("%v, %v", later, err)
		}
		e.wantClosed(t, ErrTransport)
		if later, write, err := e.session.TrySend(Message{Data: []byte{0xff}}); later != nil || write || !errors.Is(err, ErrText) {
			t.Errorf("%v, %v", later, err)
		}
	})
}

// Who writes for himself does not write for others, who may have much to say.
func TestWhoWritesWritesOnce(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		s, e := b.openSocket()
		synctest.Wait() // the open packet is written
		if _, write, err := e.session.TrySend(Message{Data: []byte("own")}); !write || err != nil {
			t.Fatalf("%v, %v", write, err)
		}
		wrote := make(chan struct{})
		go func() {
			defer close(wrote)
			e.session.Write()
		}()
		synctest.Wait() // nobody reads
		if err := e.session.Send(Message{Data: []byte("another's")}); err != nil {
			t.Fatal(err)
		}
		if _, write, err := e.session.TrySend(Message{Data: []byte("a third's")}); write || err != nil {
			t.Errorf("two are to write: %v", err)
		}
		if got := s.read(); got != "4own" {
			t.Errorf("read %q", got)
		}
		synctest.Wait()
		select {
		case <-wrote:
		default:
			t.Error("who has written his own goes on")
		}
		for _, want := range []string{"4another's", "4a third's"} {
			if got := s.read(); got != want {
				t.Errorf("read %q, want %q", got, want)
			}
		}
	})
}

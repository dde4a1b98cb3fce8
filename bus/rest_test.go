package bus

import "testing"

// commit notes n commits of one write each, from the revision after last.
func (r *rest) commit(last uint64, n int) uint64 {
	for range n {
		last++
		r.committed(last, 1)
	}
	return last
}

func TestWatchRestsWhileOwnCommitsFollowEachOther(t *testing.T) {
	r := newRest()
	last := r.commit(100, restRate)
	if !r.look(last) {
		t.Fatal("does not rest though nothing but its own happened")
	}
	last = r.commit(last, restRate)
	if !r.look(100) {
		t.Error("does not rest on")
	}
	if got := r.wake(100); got != last {
		t.Errorf("goes on after %d, want %d", got, last)
	}
}

func TestWatchDoesNotRest(t *testing.T) {
	t.Run("while little happens", func(t *testing.T) {
		r := newRest()
		if last := r.commit(100, restRate-1); r.look(last) {
			t.Error("rests")
		}
	})
	t.Run("before it has seen where its commits began", func(t *testing.T) {
		r := newRest()
		r.commit(100, restRate)
		if r.look(99) {
			t.Error("rests")
		}
	})
	t.Run("behind others' writes", func(t *testing.T) {
		r := newRest()
		last := r.commit(100, restRate)
		if r.look(last + 1) {
			t.Error("rests")
		}
	})
	t.Run("after its commits stopped", func(t *testing.T) {
		r := newRest()
		last := r.commit(100, restRate)
		r.look(last)
		if r.look(last) {
			t.Error("rests on")
		}
	})
}

func TestGapWakesTheWatchBeforeIt(t *testing.T) {
	r := newRest()
	last := r.commit(100, restRate)
	r.look(last)
	r.commit(last+1, 1) // somebody wrote last+1
	select {
	case <-r.gap:
	default:
		t.Fatal("does not wake")
	}
	r.commit(last+2, restRate)
	if got := r.wake(100); got != last {
		t.Errorf("goes on after %d, want %d", got, last)
	}
}

func TestBatchesFollowEachOther(t *testing.T) {
	r := newRest()
	r.committed(110, 10)
	r.committed(110+restRate, restRate)
	if !r.look(105) {
		t.Error("does not rest")
	}
}

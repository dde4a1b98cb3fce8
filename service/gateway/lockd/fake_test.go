package lockd_test

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/natslock/natslock/service/gateway/lockd"
)

var errAway = errors.New("nobody answers")

// fake is a service of locks in memory.
type fake struct {
	mu       sync.Mutex
	sessions int
	tokens   uint64
	away     bool          // nobody answers
	gate     chan struct{} // if there is one, acquires wait until it is closed
	asked    chan string   // if there is one, takes the name that an acquire asks for
	locks    [2]map[string][]fakeHold
	leaving  chan struct{} // if there is one, holds up a session that leaves, once before and once after it has begun
	left     chan string   // sessions that have left
	lost     map[string]func()
}

type fakeHold struct {
	lockd.Holder
	token uint64
}

func newFake() *fake {
	return &fake{locks: [2]map[string][]fakeHold{{}, {}}, left: make(chan string, 10_000), lost: map[string]func(){}}
}

func (f *fake) Open(_ context.Context, address string, lost func()) (lockd.Session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return nil, errAway
	}
	f.sessions++
	s := &fakeSession{f, lockd.Holder{Session: strconv.Itoa(f.sessions), Address: address}}
	f.lost[s.Session] = lost
	return s, nil
}

func (f *fake) Inspect(_ context.Context, k lockd.Kind, name string) (lockd.Lock, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return lockd.Lock{}, errAway
	}
	return f.lockLocked(k, name), nil
}

func (f *fake) lockLocked(k lockd.Kind, name string) lockd.Lock {
	l := lockd.Lock{Name: name}
	for _, h := range f.locks[k][name] {
		l.Holders = append(l.Holders, h.Holder)
	}
	return l
}

func (f *fake) List(_ context.Context, k lockd.Kind) iter.Seq2[lockd.Lock, error] {
	return func(yield func(lockd.Lock, error) bool) {
		f.mu.Lock()
		away, all := f.away, []lockd.Lock{}
		for _, name := range slices.Sorted(maps.Keys(f.locks[k])) {
			all = append(all, f.lockLocked(k, name))
		}
		f.mu.Unlock()
		if away {
			yield(lockd.Lock{}, errAway)
			return
		}
		for _, l := range all {
			if !yield(l, nil) {
				return
			}
		}
	}
}

// hold has a lock held by somebody who is no connection.
func (f *fake) hold(k lockd.Kind, name, address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.locks[k][name] = append(f.locks[k][name], fakeHold{Holder: lockd.Holder{Address: address}})
}

// force ends the holds of a lock.
func (f *fake) force(k lockd.Kind, name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.locks[k], name)
}

// lose has all sessions lost.
func (f *fake) lose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.locks = [2]map[string][]fakeHold{{}, {}}
	for _, lost := range f.lost {
		go lost()
	}
}

func (f *fake) setAway(away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
}

func (f *fake) held(k lockd.Kind) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.locks[k])
}

// awaitLeave returns when a session has left.
func (f *fake) awaitLeave(t *testing.T) {
	t.Helper()
	select {
	case <-f.left:
	case <-t.Context().Done():
		t.Fatal("nobody has left")
	}
}

type fakeSession struct {
	f *fake
	lockd.Holder
}

func (s *fakeSession) ID() string { return s.Session }

func (s *fakeSession) Acquire(ctx context.Context, k lockd.Kind, name string) (lockd.Grant, error) {
	if s.f.asked != nil {
		s.f.asked <- name
	}
	if s.f.gate != nil {
		select {
		case <-s.f.gate:
		case <-ctx.Done():
			return lockd.Grant{}, ctx.Err()
		}
	}
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	if s.f.away {
		return lockd.Grant{}, errAway
	}
	holds := s.f.locks[k][name]
	if i := s.index(holds); i >= 0 {
		return lockd.Grant{Token: holds[i].token, Count: len(holds)}, nil
	}
	if k == lockd.Exclusive && len(holds) > 0 {
		return lockd.Grant{}, lockd.ErrHeld
	}
	s.f.tokens++
	s.f.locks[k][name] = append(holds, fakeHold{s.Holder, s.f.tokens})
	return lockd.Grant{Token: s.f.tokens, Count: len(holds) + 1}, nil
}

func (s *fakeSession) index(holds []fakeHold) int {
	return slices.IndexFunc(holds, func(h fakeHold) bool { return h.Holder == s.Holder })
}

func (s *fakeSession) Release(_ context.Context, k lockd.Kind, name string, token uint64) error {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	if s.f.away {
		return errAway
	}
	i := s.index(s.f.locks[k][name])
	if i < 0 || s.f.locks[k][name][i].token != token {
		return lockd.ErrNotHeld
	}
	s.removeLocked(k, name)
	return nil
}

func (s *fakeSession) removeLocked(k lockd.Kind, name string) {
	holds := slices.DeleteFunc(s.f.locks[k][name], func(h fakeHold) bool { return h.Holder == s.Holder })
	if s.f.locks[k][name] = holds; len(holds) == 0 {
		delete(s.f.locks[k], name)
	}
}

func (s *fakeSession) Leave() {
	if s.f.leaving != nil {
		s.f.leaving <- struct{}{} // it begins
		s.f.leaving <- struct{}{} // and may go on
	}
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	for k := range s.f.locks {
		for name := range s.f.locks[k] {
			s.removeLocked(lockd.Kind(k), name)
		}
	}
	delete(s.f.lost, s.Session)
	s.f.left <- cmp.Or(s.Session, "?")
}

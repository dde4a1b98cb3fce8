package service

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// sets knows which waiting attempts for several names want which lock, so that
// a lock that comes free finds them.
type sets struct {
	count atomic.Int64 // of leads: nothing else is looked at while there are none

	mu       sync.Mutex
	leads    map[string][]noted          // by the key under which they are noted, as there
	wants    map[string]leadCounts       // by the key that is wanted: the leads' keys
	attempts map[lock.Attempt]leadCounts // by the attempt: the leads' keys
}

// noted is one waiting attempt.
type noted struct {
	attempt lock.Attempt
	keys    []string
}

// leadCounts says for how many sets each lead stands in it.
type leadCounts map[string]int

func newSets() *sets {
	return &sets{leads: make(map[string][]noted), wants: make(map[string]leadCounts), attempts: make(map[lock.Attempt]leadCounts)}
}

// follow takes in the sets of a's record, under the mutex of a's shard. Nearly
// always they are those that were there before, or one more or less.
func (s *sets) follow(a *actor) {
	if len(a.record.Sets) == 0 && !a.leads {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	was, kept := s.leads[a.key], 0
	is := was[:0]
	for i := range was {
		if kept < len(a.record.Sets) && was[i].attempt == a.record.Sets[kept].Attempt {
			is = append(is, was[i])
			kept++
		} else {
			s.add(a.key, &was[i], -1)
		}
	}
	clear(was[len(is):])
	for i := range a.record.Sets[kept:] {
		set := &a.record.Sets[kept+i]
		n := noted{attempt: set.Attempt, keys: make([]string, len(set.Names))}
		for j, name := range set.Names {
			n.keys[j] = schema.LockKey(a.realm, name)
		}
		is = append(is, n)
		s.add(a.key, &n, 1)
	}
	if a.leads = len(is) > 0; a.leads {
		s.leads[a.key] = is
	} else {
		delete(s.leads, a.key)
	}
	s.count.Store(int64(len(s.leads)))
}

// add counts n, which is noted under lead, once more or once less.
func (s *sets) add(lead string, n *noted, once int) {
	countLead(s.attempts, n.attempt, lead, once)
	for _, key := range n.keys {
		countLead(s.wants, key, lead, once)
	}
}

// countLead adds once to how often lead stands in the counts of k.
func countLead[K comparable](counts map[K]leadCounts, k K, lead string, once int) {
	t := counts[k]
	if t == nil {
		t = make(leadCounts)
		counts[k] = t
	}
	if t[lead] += once; t[lead] == 0 {
		delete(t, lead)
	}
	if len(t) == 0 {
		delete(counts, k)
	}
}

// wanted returns the leads of attempts that may be granted now that a is as it
// is, under the mutex of a's shard. It returns them once for each revision: what
// could not be granted is not tried again before something has changed.
func (s *sets) wanted(a *actor) []string {
	if s.count.Load() == 0 || a.offered == a.revision {
		return nil
	}
	a.offered = a.revision
	s.mu.Lock()
	defer s.mu.Unlock()
	var leads []string
	for lead := range s.wants[a.key] {
		leads = append(leads, lead)
	}
	return leads
}

// all returns the keys under which attempts are noted.
func (s *sets) all() (leads []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for lead := range s.leads {
		leads = append(leads, lead)
	}
	return leads
}

// lead returns the key under which an attempt in a realm is noted, or "".
func (s *sets) lead(realm string, attempt lock.Attempt) string {
	if s.count.Load() == 0 {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.attempts[attempt] {
		if r, _, err := schema.ParseLockKey(key); err == nil && r == realm {
			return key
		}
	}
	return ""
}

// trySets tries the waiting attempts noted under lead that want name; "" is any.
func (w *Worker) trySets(lead, name string) {
	var sets []lock.Set
	realm := ""
	w.replica.peek(lead, func(a *actor) {
		sets, realm = a.record.Sets, a.realm
	})
	for i := range sets {
		s := &sets[i]
		if s.Parked || name != "" && !slices.Contains(s.Names, name) || !w.looksFree(realm, s) {
			continue
		}
		n := &allOrNone{w: w, realm: realm, asked: time.Now(), again: true, names: s.Names,
			asks: lock.Acquire{
				Attempt: s.Attempt, Client: s.Client, Owner: s.Owner, Session: s.Session, Mode: s.Mode, Size: s.Size,
				TTL: s.TTL, DefaultTTL: s.DefaultTTL, Wait: s.Wait, Meta: s.Meta, Inbox: s.Inbox, At: w.wall().UnixMilli(),
			}}
		n.start()
	}
}

// looksFree reports whether trying a set may be worth while.
func (w *Worker) looksFree(realm string, s *lock.Set) bool {
	for _, name := range s.Names {
		free := true
		w.replica.peek(schema.LockKey(realm, name), func(a *actor) { free = looksOpen(&a.record, s) })
		if !free {
			return false
		}
	}
	return true
}

// looksOpen reports whether an acquire of r for s might be granted.
func looksOpen(r *lock.Record, s *lock.Set) bool {
	if len(r.Holds) == 0 {
		return true
	}
	if s.Mode == schema.ModeShared && r.Mode == schema.ModeShared {
		return true
	}
	_, held := r.HoldOf(s.Client, s.Owner)
	return held
}

// setOf returns the waiting attempt for several names that is noted in r, or nil.
func setOf(r *lock.Record, attempt lock.Attempt) *lock.Set {
	for i := range r.Sets {
		if s := &r.Sets[i]; s.Attempt == attempt {
			return s
		}
	}
	return nil
}

package service

import (
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

	mu    sync.Mutex
	leads map[string][]noted             // by the key under which they are noted
	wants map[string]map[string]struct{} // by the key that is wanted: the leads' keys
}

// noted is one waiting attempt.
type noted struct {
	attempt lock.Attempt
	keys    []string
}

func newSets() *sets {
	return &sets{leads: make(map[string][]noted), wants: make(map[string]map[string]struct{})}
}

// follow takes in the sets of a's record, under the mutex of a's shard.
func (s *sets) follow(a *actor) {
	if len(a.record.Sets) == 0 && s.count.Load() == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.leads[a.key] {
		for _, key := range n.keys {
			delete(s.wants[key], a.key)
			if len(s.wants[key]) == 0 {
				delete(s.wants, key)
			}
		}
	}
	delete(s.leads, a.key)
	for i := range a.record.Sets {
		set := &a.record.Sets[i]
		n := noted{attempt: set.Attempt, keys: make([]string, len(set.Names))}
		for j, name := range set.Names {
			key := schema.LockKey(a.realm, name)
			n.keys[j] = key
			if s.wants[key] == nil {
				s.wants[key] = make(map[string]struct{})
			}
			s.wants[key][a.key] = struct{}{}
		}
		s.leads[a.key] = append(s.leads[a.key], n)
	}
	s.count.Store(int64(len(s.leads)))
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

// lead returns the key under which an attempt in a realm is noted, or "".
func (s *sets) lead(realm string, attempt lock.Attempt) string {
	if s.count.Load() == 0 {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, list := range s.leads {
		for _, n := range list {
			if n.attempt != attempt {
				continue
			}
			if r, _, err := schema.ParseLockKey(key); err == nil && r == realm {
				return key
			}
		}
	}
	return ""
}

// trySets tries the waiting attempts noted under lead.
func (w *Worker) trySets(lead string) {
	var sets []lock.Set
	realm := ""
	w.replica.peek(lead, func(a *actor) {
		sets, realm = a.record.Sets, a.realm
	})
	for i := range sets {
		s := &sets[i]
		if s.Parked || !w.looksFree(realm, s) {
			continue
		}
		n := &allOrNone{w: w, realm: realm, asked: time.Now(), again: true, names: s.Names,
			command: lock.Acquire{
				Attempt: s.Attempt, Client: s.Client, Owner: s.Owner, Session: s.Session, Mode: s.Mode, Size: s.Size,
				TTL: s.TTL, DefaultTTL: s.DefaultTTL, Wait: s.Wait, Meta: s.Meta, Inbox: s.Inbox, At: time.Now().UnixMilli(),
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

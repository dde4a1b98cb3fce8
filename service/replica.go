package service

import (
	"hash/maphash"
	"sync"

	"github.com/natslock/natslock/schema"
)

// shards spreads the locks over several mutexes.
const shards = 64

// replica is what this worker has seen of the store: an actor for each lock
// that has a record or work to do. It is a hint. It proposes what to write, and
// compare-and-set decides.
type replica struct {
	seed   maphash.Seed
	shards [shards]shard
}

type shard struct {
	mu     sync.Mutex
	actors map[string]*actor
}

func newReplica() *replica {
	r := &replica{seed: maphash.MakeSeed()}
	for i := range r.shards {
		r.shards[i].actors = make(map[string]*actor)
	}
	return r
}

func (r *replica) shard(key string) *shard {
	return &r.shards[maphash.String(r.seed, key)%shards]
}

// peek returns what is known of key's record, for hints only.
func (r *replica) peek(key string, look func(a *actor)) {
	s := r.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.actors[key]; a != nil {
		look(a)
	}
}

// actorLocked returns key's actor, a new one if there is none. A key that is
// no lock's is an error of schema.ParseLockKey.
func (s *shard) actorLocked(key string) (*actor, error) {
	if a := s.actors[key]; a != nil {
		return a, nil
	}
	realm, name, err := schema.ParseLockKey(key)
	if err != nil {
		return nil, err
	}
	a := &actor{key: key, realm: realm, name: name, shard: s}
	s.actors[key] = a
	return a, nil
}

// forgetLocked drops a if nothing would be lost by it.
func (s *shard) forgetLocked(a *actor) (forgotten bool) {
	if !a.idle() || s.actors[a.key] != a {
		return false
	}
	delete(s.actors, a.key)
	return true
}

// each calls look for every actor; look must be quick, a shard is locked.
func (r *replica) each(look func(a *actor)) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for _, a := range s.actors {
			look(a)
		}
		s.mu.Unlock()
	}
}

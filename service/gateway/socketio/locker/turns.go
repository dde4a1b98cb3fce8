package locker

import (
	"context"
	"hash/maphash"
)

// turns has those who read something and then write it do so one after another. Some who
// have nothing to do with each other wait, too.
type turns struct {
	seed maphash.Seed
	free [64]chan struct{}
}

func newTurns() *turns {
	t := &turns{seed: maphash.MakeSeed()}
	for i := range t.free {
		t.free[i] = make(chan struct{}, 1)
	}
	return t
}

// take waits for the turn to change something, which names tell. done ends the turn. The
// error is that of the context.
func (t *turns) take(ctx context.Context, names ...string) (done func(), err error) {
	var h maphash.Hash
	h.SetSeed(t.seed)
	for _, name := range names {
		_, _ = h.WriteString(name) // never fails
		_ = h.WriteByte(0)
	}
	free := t.free[h.Sum64()%uint64(len(t.free))]
	select {
	case free <- struct{}{}:
		return func() { <-free }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

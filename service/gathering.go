package service

import (
	"time"

	"github.com/natslock/natslock/schema"
)

// gathering keeps several locks for one step that concerns them all. It takes
// its seats one after the other in the order of their names, so that two
// gatherings never wait for each other.
type gathering struct {
	batch
	keys []string
}

// gather has work done on several locks of a realm at once. names are
// different, and sorted.
func (w *Worker) gather(realm string, names []string, work work) {
	g := &gathering{keys: make([]string, len(names))}
	for i, name := range names {
		g.keys[i] = schema.LockKey(realm, name)
	}
	g.w, g.work = w, work
	g.parts = make([]part, 0, len(names))
	g.next()
}

func (g *gathering) next() {
	g.w.submit(g.keys[len(g.parts)], &job{seat: g, asked: time.Now(), inner: true})
}

// seated is called when a is kept for g.
func (g *gathering) seated(a *actor) {
	g.parts = append(g.parts, part{actor: a})
	if len(g.parts) < len(g.keys) {
		g.next()
		return
	}
	g.run()
}

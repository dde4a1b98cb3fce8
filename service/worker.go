package service

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// drainTimeout bounds how long a stopping worker waits for writes on their way.
const drainTimeout = 5 * time.Second

// Worker answers the requests of the protocol. Any number of workers may share
// a store; compare-and-set keeps them honest.
type Worker struct {
	*keeper // of the locks
	crew

	nc       *nats.Conn
	config   Config
	log      *slog.Logger
	wall     func() time.Time // the clock of people: what it says is shown, and never compared
	replica  *replica
	floor    *floor
	mark     *mark
	sets     *sets
	sessions *sessions
	meter    *meter
	events   *announcer

	collector *collector

	undoPrefix string       // of the reply subjects of grants
	undoSeed   maphash.Seed // proves that such a subject is our own

	ctx     context.Context // ends when the worker has drained
	cancel  context.CancelFunc
	flights flights       // batches and requests on their way
	decided func()        // flights.decided
	reading chan struct{} // bounds inspects and lists at work
	resumed atomic.Bool   // it has caught up with the store

	forgotten atomic.Uint64 // the largest revision of a record that was forgotten
}

// New makes a worker that answers on nc and keeps its records in two stores,
// one for locks and one for sessions. All stay the caller's; nc should have no
// reconnect buffer. The error says which field of the Config is wrong.
func New(nc *nats.Conn, locks, sessions bus.Store, cfg *Config) (*Worker, error) {
	config, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	w := &Worker{
		nc:         nc,
		config:     config,
		log:        bus.SeldomLogger(config.Logger),
		wall:       time.Now,
		replica:    newReplica(),
		mark:       newMark(),
		sets:       newSets(),
		meter:      newMeter(),
		undoPrefix: bus.Reserved + ".undo." + nuid.Next(),
		undoSeed:   maphash.MakeSeed(),
		reading:    make(chan struct{}, maxReading),
	}
	w.floor = newFloor(locks, w.sunk)
	w.keeper = newKeeper(w.floor, "locks", lockPace, w.log, w.expire)
	w.collector = newCollector(w)
	w.sessions = newSessions(w, sessions)
	w.decided = w.flights.decided
	if config.Events == nil {
		config.Events = nc
	}
	w.events = newAnnouncer(config.Events, w.log, &w.flights, w.meter.dropped.Inc)
	if config.Metrics != nil {
		if err := w.register(config.Metrics); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	return w, nil
}

// Run works until ctx ends, and returns nil then, after what was begun has been
// answered (for at most 5 s) and every goroutine has ended. ready is called
// once, when the worker has caught up with the store and answers. Run is
// called once.
func (w *Worker) Run(ctx context.Context, ready func()) error {
	w.ctx, w.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer w.dismiss()
	defer w.cancel()

	watched := make(chan error, 2)
	watch := func(k *keeper, seen func(bus.Entry)) <-chan struct{} {
		caughtUp := make(chan struct{})
		w.spawn(func() { watched <- k.store.Watch(w.ctx, seen, func() { close(caughtUp) }) })
		return caughtUp
	}
	for _, caughtUp := range []<-chan struct{}{watch(w.sessions.keeper, w.sessions.seen), watch(w.keeper, w.seen)} {
		select {
		case <-caughtUp:
		case err := <-watched:
			return fmt.Errorf("watch the store: %w", err)
		case <-ctx.Done():
			return nil
		}
	}
	unheard, err := bus.Unheard(w.nc, w.undoPrefix, w.unheard)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	defer w.stopping(unheard)
	w.spawn(func() { w.events.run(w.ctx) })
	w.spawn(func() { w.tick(w.ctx, w.spawn) })
	w.spawn(func() { w.sessions.tick(w.ctx, w.spawn) })
	w.look(ctx, w.config.MaxStore, w.config.DiskRoom)
	w.spawn(func() { w.measure(w.ctx, w.config.MaxStore, w.config.DiskRoom, w.spaceChanged) })
	w.spawn(func() { w.sessions.measure(w.ctx, 0, unknownRoom, func(bool) {}) })
	w.resume()
	collecting, stopCollecting := context.WithCancel(ctx)
	defer stopCollecting()
	w.spawn(func() { w.collector.run(collecting) })
	service, err := bus.Serve(w.nc, w.serviceConfig())
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	ready()

	select {
	case <-ctx.Done():
	case err = <-watched:
		err = fmt.Errorf("watch the store: %w", err)
	}
	stopCollecting()
	deadline := time.AfterFunc(drainTimeout, w.cancel)
	defer deadline.Stop()
	err = errors.Join(err, service.Stop())
	w.drain()
	return err
}

// stopping runs a stop whose failure changes nothing any more.
func (w *Worker) stopping(stop func() error) {
	if err := stop(); err != nil {
		w.log.Debug("stop", "err", err)
	}
}

// drain waits until no batch is on its way, or the worker is to end all the same.
func (w *Worker) drain() {
	select {
	case <-w.flights.landed():
	case <-w.ctx.Done():
		w.log.Warn("stopped with writes on their way")
	}
}

// later runs f after d, unless the worker ends before.
func (w *Worker) later(d time.Duration, f func()) {
	w.spawn(func() {
		if w.pause(d) {
			f()
		}
	})
}

// pause waits for d, and reports whether the worker goes on.
func (w *Worker) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.ctx.Done():
		return false
	}
}

// submit queues a job for a lock.
func (w *Worker) submit(key string, j *job) {
	s := w.replica.shard(key)
	s.mu.Lock()
	a, err := s.actorLocked(key)
	if err != nil {
		s.mu.Unlock()
		w.log.Error("not a lock's key", "key", key, "err", err)
		return
	}
	if len(a.queue) >= maxQueued && !j.inner {
		s.mu.Unlock()
		w.refuse(j, refusal{schema.StatusLimit, fmt.Sprintf("%d requests wait for this lock already; try again in a moment", maxQueued)})
		j.ended()
		return
	}
	a.push(j)
	s.mu.Unlock()
	w.advance(a)
}

// advance begins the next batch of a, if there is work and none is on its way.
// Nothing begins any more when the worker has ended.
func (w *Worker) advance(a *actor) {
	a.shard.mu.Lock()
	if a.busy || len(a.queue) == 0 || w.ctx.Err() != nil {
		forgotten := a.shard.forgetLocked(a)
		a.shard.mu.Unlock()
		if forgotten {
			w.timers.Drop(a)
		}
		return
	}
	if a.lingers() {
		if !a.linger {
			a.linger = true
			w.flights.begin()
			w.later(lingerFor, func() { w.hurry(a) })
		}
		a.shard.mu.Unlock()
		return
	}
	a.busy = true
	jobs := a.take()
	a.shard.mu.Unlock()

	w.flights.begin()
	if seat := jobs[0].seat; seat != nil {
		seat.seated(a)
		return
	}
	newSingle(w, a, jobs).run()
}

// hurry ends the lingering of a's queue.
func (w *Worker) hurry(a *actor) {
	a.shard.mu.Lock()
	a.linger = false
	if a.urgent == 0 && len(a.queue) > 0 {
		a.queue[0].hurry = true
		a.urgent++
	}
	a.shard.mu.Unlock()
	w.advance(a)
	w.flights.end()
}

// release ends a's part in a batch: what the watch brought meanwhile is taken
// in, and the next batch begins.
func (w *Worker) release(a *actor) {
	a.shard.mu.Lock()
	a.busy = false
	if e := a.newer; e.Revision > a.revision {
		w.adoptLocked(a, e)
	}
	a.newer = bus.Entry{}
	next, wanted := w.followLocked(a)
	a.shard.mu.Unlock()
	w.follow(a, next, wanted)
	w.flights.end()
}

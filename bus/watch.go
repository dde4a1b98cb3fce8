package bus

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	watchBeat    = time.Second // the server says that often that nothing happens
	watchSilence = 3           // so many beats of silence mean that the consumer is gone
	watchLook    = watchBeat / 4
	watchKeep    = 15 * time.Second
	statusIdle   = "100" // a beat, or a question whether we keep up
	headerStall  = "Nats-Consumer-Stalled"
	headerLast   = "Nats-Last-Consumer"
)

// Watch implements Store. It returns when no call of seen or ready is running
// or will run, with ErrGone when the bucket has not been there for 6 s. A deletion
// by another key-value client is an entry without value.
//
// It reads through an ordered push consumer, made anew after the last entry
// that was seen whenever a message is missing, the connection was lost, or the
// consumer falls silent for 4 s because its server is gone. The consumer may
// live on a replica that is behind: ready comes when it has shown what the
// leader had at the start.
func (b *Bucket) Watch(ctx context.Context, seen func(Entry), ready func()) error {
	return b.watch(ctx, 0, seen, ready)
}

// watch is Watch at a rate in bits per second; 0 is as fast as possible.
func (b *Bucket) watch(ctx context.Context, rate uint64, seen func(Entry), ready func()) error {
	w := &watch{bucket: b, rate: rate, seen: seen, ready: ready, broken: make(chan struct{}, 1), rest: newRest()}
	b.rest.CompareAndSwap(nil, w.rest) // a second watch hears of no commits, and never rests
	defer b.rest.CompareAndSwap(w.rest, nil)
	status := b.nc.StatusChanged(nats.CONNECTED)
	defer b.nc.RemoveStatusListener(status)
	defer w.stop()
	ctx, end := context.WithCancelCause(ctx)
	var attending sync.WaitGroup
	attending.Go(func() { b.attend(ctx, end) })
	defer attending.Wait()
	defer end(nil)
	pause := tryPause
	for ctx.Err() == nil {
		if err := w.start(ctx); err != nil {
			if ctx.Err() != nil {
				break
			}
			b.log.Warn("cannot watch the store", "bucket", b.cfg.Name, "error", err, "again_in", pause)
			select {
			case <-ctx.Done():
			case <-status:
			case <-time.After(pause):
			}
			pause = min(2*pause, tryTimeout)
			continue
		}
		pause = tryPause
		w.wait(ctx, status)
	}
	if err := context.Cause(ctx); errors.Is(err, ErrGone) {
		return err
	}
	return nil
}

// watch is one Watch, over all its consumers.
type watch struct {
	bucket *Bucket
	rate   uint64
	seen   func(Entry)
	ready  func()
	broken chan struct{} // the consumer has to be made anew
	rest   *rest

	mu       sync.Mutex // held while seen and ready run
	sub      *nats.Subscription
	consumer string
	delivery uint64 // the consumer's number of the last message
	last     uint64 // the revision that was seen last
	target   uint64 // the revision that was newest at the start
	loaded   bool   // ready was called
	active   bool   // something came since the last look
}

// start makes a consumer that goes on after the last entry that was seen.
func (w *watch) start(ctx context.Context) error {
	w.drop()
	b := w.bucket
	w.last = w.rest.wake(w.last)
	if err := w.aim(ctx); err != nil {
		return err
	}
	inbox := b.nc.NewInbox()
	config := b.consumerAfter(w.last, inbox)
	config.Rate = w.rate
	if err := w.subscribe(inbox); err != nil {
		return err
	}
	if err := b.createConsumer(ctx, config); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.consumer = config.Name
	return nil
}

// aim asks the leader how far the watch must see until it is ready. What was
// newest can be dropped before it is seen, so it is asked again with each beat.
func (w *watch) aim(ctx context.Context) error {
	if w.isLoaded() {
		return nil
	}
	newest, err := w.bucket.loadLast(ctx, ">")
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.target = newest.Revision
	w.judge()
	return nil
}

// judge calls ready once, when everything up to the target was seen.
func (w *watch) judge() {
	if !w.loaded && w.last >= w.target {
		w.loaded = true
		w.ready()
	}
}

func (w *watch) isLoaded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.loaded
}

// subscribe listens to the inbox instead of the one before.
func (w *watch) subscribe(inbox string) error {
	sub, err := w.bucket.nc.Subscribe(inbox, w.receive)
	if err != nil {
		return unreachable(err)
	}
	// The server stops by itself when too much is on its way.
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return unreachable(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sub, w.delivery, w.active = sub, 0, true
	select {
	case <-w.broken:
	default:
	}
	return nil
}

// wait returns when the consumer has to be made anew, or ctx ended. Meanwhile
// the watch may rest: see rest.
func (w *watch) wait(ctx context.Context, status <-chan nats.Status) {
	tick := time.NewTicker(watchLook)
	defer tick.Stop()
	silent, resting := 0, false
	for {
		select {
		case <-ctx.Done():
			return
		case <-status:
			return
		case <-w.broken:
			return
		case <-w.rest.gap:
			if resting {
				return
			}
		case <-tick.C:
			if err := w.aim(ctx); err != nil {
				return
			}
			if rests := w.mayRest(); rests != resting {
				if resting {
					return
				}
				resting = true
				w.drop()
			}
			silent++
			if resting || w.alive() || !w.bucket.nc.IsConnected() {
				silent = 0
			}
			if silent >= watchSilence*int(watchBeat/watchLook) {
				return
			}
		}
	}
}

// mayRest tells whether nothing but own commits has happened for a while.
func (w *watch) mayRest() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.loaded && w.rest.look(w.last)
}

// alive tells whether anything came since the last look.
func (w *watch) alive() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	active := w.active
	w.active = false
	return active
}

// receive takes one message of the consumer.
func (w *watch) receive(m *nats.Msg) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.Sub != w.sub {
		return // of a consumer that has been replaced
	}
	w.active = true
	if len(m.Data) == 0 && len(m.Header) > 0 && m.Header.Get(headerStatus) == statusIdle {
		w.beat(m)
		return
	}
	revision, delivery, ok := parseDelivery(m.Reply)
	if !ok {
		return
	}
	if delivery != w.delivery+1 {
		w.breaks()
		return
	}
	w.delivery = delivery
	if w.bucket.rest.Load() == w.rest { // another is soon over
		w.bucket.behind.Store(pendingOf(m.Reply))
	}
	if revision > w.last {
		w.last = revision
		w.seen(w.entry(m, revision))
	}
	w.judge()
}

// beat answers the server's question whether we keep up, and finds out from
// its last number whether messages at the end are missing.
func (w *watch) beat(m *nats.Msg) {
	reply := m.Reply
	if reply == "" {
		reply = m.Header.Get(headerStall)
	}
	if reply != "" {
		// An error means that the connection is gone, which status tells.
		_ = w.bucket.nc.Publish(reply, nil)
	}
	if last, err := strconv.ParseUint(m.Header.Get(headerLast), 10, 64); err == nil && last != w.delivery {
		w.breaks()
	}
}

func (w *watch) breaks() {
	select {
	case w.broken <- struct{}{}:
	default:
	}
}

func (w *watch) entry(m *nats.Msg, revision uint64) Entry {
	e := Entry{Key: strings.TrimPrefix(m.Subject, w.bucket.prefix), Value: m.Data, Revision: revision}
	if m.Header.Get(headerOperation) != "" {
		e.Value = nil
	}
	return e
}

// drop leaves the consumer. Nothing of it is seen any more.
func (w *watch) drop() {
	w.mu.Lock()
	sub, consumer := w.sub, w.consumer
	w.sub, w.consumer = nil, ""
	w.mu.Unlock()
	if sub == nil {
		return
	}
	// Errors of both mean that the connection is gone: the server forgets the
	// consumer when nobody has listened for a while.
	_ = sub.Unsubscribe()
	if consumer != "" && w.bucket.nc.IsConnected() {
		_ = w.bucket.nc.Publish(apiPrefix+"CONSUMER.DELETE."+w.bucket.stream+"."+consumer, nil)
	}
}

func (w *watch) stop() { w.drop() }

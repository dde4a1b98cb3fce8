package fan

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrBehind is why a reader is cut off: it is further behind than is kept for it.
var ErrBehind = errors.New("the reader is too far behind")

// lookEvery is after how many it is looked who is behind. Those who come for more are
// found out at once; the others hang in what they do with the last they took.
const lookEvery = 64

// turn is about what a reader costs that is woken: a write, as a rule. Of thousands of
// readers woken for each of many events nobody else would get to run, so they are
// left in peace for as long as that takes them all.
const turn = 20 * time.Microsecond

// Out is where a source tells, and its readers read.
type Out[T any] struct {
	mu      sync.Mutex
	ring    []T
	next    uint64 // the number of what is put next
	over    bool
	why     error
	readers map[*Reader[T]]struct{}

	wake  chan struct{} // closed when there is more; nil: nobody waits
	woken time.Time     // when it was closed last
	fresh int           // put since then
	timed bool          // it will be closed in time
}

// NewOut makes an Out that keeps so many for those who are behind.
func NewOut[T any](kept int) *Out[T] {
	return &Out[T]{ring: make([]T, kept), readers: map[*Reader[T]]struct{}{}}
}

// Put tells all readers. It waits for none of them.
func (o *Out[T]) Put(v T) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return
	}
	o.ring[o.next%uint64(len(o.ring))] = v
	o.next++
	o.fresh++
	if o.next%lookEvery == 0 {
		for r := range o.readers {
			r.lookLocked()
		}
	}
	o.wakeSoonLocked()
}

// wakeSoonLocked wakes those who wait: now, unless they have just been woken and there
// is not much that they have not had; or soon.
func (o *Out[T]) wakeSoonLocked() {
	rest := time.Duration(len(o.readers))*turn - time.Since(o.woken)
	switch {
	case rest <= 0 || o.fresh >= len(o.ring)/4:
		o.wakeLocked()
	case !o.timed:
		o.timed = true
		time.AfterFunc(rest, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.timed = false
			o.wakeLocked()
		})
	}
}

// End ends what is told: readers come to it after the rest. A second time does
// nothing.
func (o *Out[T]) End(why error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.over {
		o.over, o.why = true, why
		o.wakeLocked()
	}
}

func (o *Out[T]) wakeLocked() {
	if o.wake != nil {
		close(o.wake)
		o.wake, o.woken, o.fresh = nil, time.Now(), 0
	}
}

// Reader reads what an Out is told, from when it has joined. It is for one goroutine.
type Reader[T any] struct {
	out   *Out[T]
	at    uint64 // the number of what it reads next; guarded by the mutex of out
	ctx   context.Context
	end   context.CancelCauseFunc
	close func()
}

// Join makes a reader of what is put from now on, for as long as ctx lasts. It must be
// closed.
func (o *Out[T]) Join(ctx context.Context) *Reader[T] {
	r := &Reader[T]{out: o}
	r.ctx, r.end = context.WithCancelCause(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	r.at = o.next
	o.readers[r] = struct{}{}
	return r
}

// Close ends the reading. A second time does nothing.
func (r *Reader[T]) Close() {
	r.out.mu.Lock()
	delete(r.out.readers, r)
	r.out.mu.Unlock()
	r.end(nil)
	if r.close != nil {
		r.close()
	}
}

// Context ends with the one of Join, and with the cause ErrBehind when the reader is
// seen to be behind: it may be busy with what it took, and know of nothing.
func (r *Reader[T]) Context() context.Context { return r.ctx }

// lookLocked cuts the reader off if it is too far behind.
func (r *Reader[T]) lookLocked() {
	if r.out.next-r.at > uint64(len(r.out.ring)) {
		delete(r.out.readers, r)
		r.end(ErrBehind)
	}
}

// Take copies what the reader has not had yet, as far as there is room. If that is
// nothing, more is closed when there is something, or nothing to come. An error is
// the end: ErrBehind, another cause of the reader's Context, or that of the Out.
func (r *Reader[T]) Take(into []T) (n int, more <-chan struct{}, err error) {
	o := r.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.lookLocked(); r.ctx.Err() != nil {
		return 0, nil, context.Cause(r.ctx)
	}
	for ; n < len(into) && r.at < o.next; n++ {
		into[n] = o.ring[r.at%uint64(len(o.ring))]
		r.at++
	}
	switch {
	case n > 0:
		return n, nil, nil
	case o.over:
		return 0, nil, o.why
	case o.wake == nil:
		o.wake = make(chan struct{})
	}
	return 0, o.wake, nil
}

// Each calls do with what is told, one by one, until that fails, or the reading ends,
// for the same reasons as Take.
func (r *Reader[T]) Each(do func(T) error) error {
	var taken [16]T
	for {
		n, more, err := r.Take(taken[:])
		if err != nil {
			return err
		}
		for _, v := range taken[:n] {
			if err := do(v); err != nil {
				return err
			}
		}
		if n > 0 {
			continue
		}
		select {
		case <-more:
		case <-r.ctx.Done():
		}
	}
}

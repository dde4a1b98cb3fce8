package bus

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	headerExpected = "Nats-Expected-Last-Subject-Sequence"
	headerTTL      = "Nats-TTL"
	headerBatch    = "Nats-Batch-Id"
	headerBatchSeq = "Nats-Batch-Sequence"
	headerCommit   = "Nats-Batch-Commit"

	headerRoom = 512 // bytes that the headers and subject of a write need beside key and value
)

// publisher sends writes. Its mutex keeps the messages of a batch together on
// the connection, and guards the message, which is used again and again because
// the connection copies it.
type publisher struct {
	mu     sync.Mutex
	inbox  string // acknowledgements come to inbox + token
	origin string // makes the ids of batches unique
	msg    nats.Msg
	header nats.Header
	values [5][1]string
	wake   chan struct{} // tells settle that there is something to look at
	closed bool
}

// Commit implements Store. done runs on a goroutine that many commits share. It
// takes as long as the connection takes to accept a message: if the server
// reads no more, up to the write timeout of the connection.
func (b *Bucket) Commit(writes []Write, done func(revision uint64, err error)) {
	err := b.acceptable(writes)
	p := &b.pub
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		go done(0, fmt.Errorf("%w: the bucket is closed", ErrUnavailable))
		return
	}
	id, token, untimed := b.pending.add(commit{done: done, writes: len(writes), deadline: time.Now().Add(b.cfg.Timeout)})
	if err == nil {
		err = b.send(writes, id, token)
	}
	if err != nil {
		b.pending.refuse(id, err)
	}
	if untimed || err != nil {
		b.nudge()
	}
}

// nudge makes settle look at the pending commits.
func (b *Bucket) nudge() {
	select {
	case b.pub.wake <- struct{}{}:
	default:
	}
}

// acceptable refuses what the server would refuse, or what would make it close
// the connection, before the first message is sent.
func (b *Bucket) acceptable(writes []Write) error {
	if len(writes) == 0 {
		return fmt.Errorf("%w: no writes", ErrInvalidKey)
	}
	if len(writes) > maxBatch {
		return fmt.Errorf("%w: %d writes in one commit, %d is most", ErrTooLarge, len(writes), maxBatch)
	}
	limit := int(b.nc.MaxPayload()) - headerRoom
	for i := range writes {
		w := &writes[i]
		if !ValidKey(w.Key) {
			return fmt.Errorf("%w: %.80q", ErrInvalidKey, w.Key)
		}
		if len(w.Value) > limit {
			return fmt.Errorf("%w: %d bytes, %d is most", ErrTooLarge, len(w.Value), limit)
		}
	}
	return nil
}

// send publishes the writes. Of several only the last one asks for an
// acknowledgement, at the token: it is the whole batch's.
func (b *Bucket) send(writes []Write, id uint64, token string) error {
	p := &b.pub
	for i := range writes {
		w := &writes[i]
		clear(p.header)
		p.set(0, headerExpected, strconv.FormatUint(w.Expected, 10))
		if w.TTL > 0 {
			p.set(1, headerTTL, ttlSeconds(w.TTL))
		}
		p.msg.Reply = ""
		last := i == len(writes)-1
		if len(writes) > 1 {
			p.set(2, headerBatch, p.origin+strconv.FormatUint(id, 36))
			p.set(3, headerBatchSeq, strconv.Itoa(i+1))
			if last {
				p.set(4, headerCommit, "1")
			}
		}
		if last {
			p.msg.Reply = p.inbox + token
		}
		p.msg.Subject = b.prefix + w.Key
		p.msg.Data = w.Value
		if err := b.nc.PublishMsg(&p.msg); err != nil {
			return refusal(err)
		}
	}
	return nil
}

// set puts a header with one value, without allocating.
func (p *publisher) set(i int, name, value string) {
	p.values[i][0] = value
	p.header[name] = p.values[i][:]
}

// ttlSeconds is the TTL in whole seconds, rounded up: the server knows no others.
func ttlSeconds(ttl time.Duration) string {
	seconds := int64(ttl / time.Second)
	if ttl%time.Second > 0 {
		seconds++
	}
	return strconv.FormatInt(seconds, 10)
}

// refusal is what it means that the connection did not take a message. What it
// refuses before it writes was not sent, nor was the batch that it completes;
// when writing fails, nobody knows how much has arrived.
func refusal(err error) error {
	kind := ErrUnknown
	switch {
	case errors.Is(err, nats.ErrMaxPayload):
		kind = ErrTooLarge
	case errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionClosed),
		errors.Is(err, nats.ErrConnectionDraining), errors.Is(err, nats.ErrBadSubject),
		errors.Is(err, nats.ErrHeadersNotSupported), errors.Is(err, nats.ErrInvalidConnection):
		kind = ErrUnavailable
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// listen starts to receive acknowledgements.
func (b *Bucket) listen() error {
	p := &b.pub
	p.inbox = b.nc.NewInbox() + "."
	p.origin = p.inbox[len(p.inbox)-23:len(p.inbox)-1] + "-"
	p.header = nats.Header{}
	p.msg.Header = p.header
	p.wake = make(chan struct{}, 1)
	sub, err := b.nc.Subscribe(p.inbox+"*", b.acknowledged)
	if err != nil {
		return unreachable(err)
	}
	// A dropped acknowledgement would be an unknown outcome.
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return unreachable(err)
	}
	b.acks = sub
	b.status = b.nc.StatusChanged(nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED)
	b.settled.Go(b.settle)
	return nil
}

// unlisten ends what listen started and settles what is left.
func (b *Bucket) unlisten() error {
	err := gone(b.acks.Unsubscribe())
	b.nc.RemoveStatusListener(b.status)
	b.pub.mu.Lock()
	b.pub.closed = true
	b.pub.mu.Unlock()
	close(b.quit)
	b.settled.Wait()
	b.end(true)
	return err
}

// settle ends the commits whose outcome nobody will tell: because they were not
// sent, because their time is over, or because the connection broke.
func (b *Bucket) settle() {
	timer := time.NewTimer(b.cfg.Timeout)
	defer timer.Stop()
	status := b.status
	for {
		broken := false
		select {
		case <-b.quit:
			return
		case _, open := <-status:
			if !open {
				status = nil
			}
			broken = open
		case <-b.pub.wake:
		case <-timer.C:
		}
		if next := b.end(broken); !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// end ends the commits that are over, or all.
func (b *Bucket) end(all bool) (next time.Time) {
	list, next := b.pending.over(time.Now(), all)
	for _, c := range list {
		switch {
		case c.refused != nil:
			c.done(0, c.refused)
		case all:
			c.done(0, fmt.Errorf("%w: the connection to the store broke", ErrUnknown))
		default:
			c.done(0, fmt.Errorf("%w: no acknowledgement within %s", ErrUnknown, b.cfg.Timeout))
		}
	}
	return next
}

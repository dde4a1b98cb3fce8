package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/schema"
)

// pulse keeps the sessions of a crowd alive: one after the other, evenly over the
// time from one keepalive to the next. It does not wait for the answers, but reads
// them: one that is not ok ends it.
type pulse struct {
	stop context.CancelFunc
	done sync.WaitGroup
	subs []*nats.Subscription
	sent atomic.Int64

	answered atomic.Int64
	failed   atomic.Pointer[error]
}

// beat begins to send keepalives to a subject.
func (c *crowd) beat(subject string) error {
	if err := c.rest(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &pulse{stop: stop}
	c.pulse = p
	inboxes := map[*line]string{}
	for _, l := range c.lines {
		inbox := l.nc.NewInbox()
		sub, err := l.nc.Subscribe(inbox, p.receive)
		if err != nil {
			return fmt.Errorf("subscribe to the inbox: %w", err)
		}
		p.subs = append(p.subs, sub)
		inboxes[l] = inbox
	}
	p.done.Go(func() { p.run(ctx, c, subject, inboxes) })
	return nil
}

// rest stops sending, and returns why it has ended before.
func (c *crowd) rest() (err error) {
	p := c.pulse
	if p == nil {
		return nil
	}
	c.pulse = nil
	p.stop()
	p.done.Wait()
	for _, s := range p.subs {
		if e := s.Unsubscribe(); e != nil && !errors.Is(e, nats.ErrConnectionClosed) {
			err = errors.Join(err, e)
		}
	}
	if failed := p.failed.Load(); failed != nil {
		err = errors.Join(err, *failed)
	}
	return err
}

func (p *pulse) run(ctx context.Context, c *crowd, subject string, inboxes map[*line]string) {
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for k := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		// Many sessions beat several times in a millisecond: together.
		for due := pulses(time.Since(start), c.Every, len(c.members)); k < due; k++ {
			if err := p.send(c, &c.members[k%len(c.members)], subject, inboxes); err != nil {
				p.fail(err)
				return
			}
		}
		timer.Reset(max(time.Until(start.Add(c.Every/time.Duration(len(c.members))*time.Duration(k))), time.Millisecond))
	}
}

// pulses is how many keepalives n sessions have sent after a time, one every so
// often each. The first is sent when the first session's turn has come.
func pulses(after, every time.Duration, n int) int {
	return int(float64(after) / float64(every) * float64(n))
}

func (p *pulse) send(c *crowd, m *member, subject string, inboxes map[*line]string) error {
	k, err := c.keepalive(m)
	if err != nil {
		return err
	}
	p.sent.Add(1)
	return m.line.nc.PublishMsg(&nats.Msg{Subject: subject, Reply: inboxes[m.line], Data: schema.Append(nil, schema.MessagePack, k)})
}

// receive reads an answer. Those of the echo are no keepalive's, but ok too.
func (p *pulse) receive(m *nats.Msg) {
	var reply schema.Reply
	err := schema.Decode(schema.Detect(m.Header.Get("Content-Type"), m.Data), m.Data, &reply)
	if err == nil && reply.Status != schema.StatusOK && reply.Status != schema.StatusReleased {
		err = refused(schema.VerbKeepalive, &reply)
	}
	if err != nil {
		p.fail(err)
		return
	}
	p.answered.Add(1)
}

func (p *pulse) fail(err error) {
	p.failed.CompareAndSwap(nil, &err)
	p.stop()
}

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

// pulseTick is how often the sessions are looked at whose turn it is. Whoever has
// thousands of them does not wake for each.
const pulseTick = 10 * time.Millisecond

// pulse keeps the sessions of a crowd alive: one after the other, evenly over the
// time from one keepalive to the next, those of a tick together. It does not wait for
// the answers, but reads them: one that is not ok ends it.
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
	inboxes := make([]string, 0, len(c.lines))
	for _, l := range c.lines {
		inbox := l.nc.NewInbox()
		sub, err := l.nc.Subscribe(inbox, p.receive)
		if err != nil {
			return fmt.Errorf("subscribe to the inbox: %w", err)
		}
		p.subs = append(p.subs, sub)
		inboxes = append(inboxes, inbox)
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

// run sends what is due at each tick. inboxes are those of the lines.
func (p *pulse) run(ctx context.Context, c *crowd, subject string, inboxes []string) {
	start := time.Now()
	tick := time.NewTicker(pulseTick)
	defer tick.Stop()
	var body []byte
	for k := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for due := pulses(time.Since(start), c.Every, len(c.members)); k < due; k++ {
			i := k % len(c.members)
			m := &c.members[i]
			beat, err := c.keepalive(m)
			if err == nil {
				body = schema.Append(body[:0], schema.MessagePack, beat)
				p.sent.Add(1)
				err = m.line.nc.PublishRequest(subject, inboxes[i%len(inboxes)], body)
			}
			if err != nil {
				p.fail(err)
				return
			}
		}
	}
}

// pulses is how many keepalives n sessions have sent after a time, one every so
// often each. The first is sent when the first session's turn has come.
func pulses(after, every time.Duration, n int) int {
	return int(float64(after) / float64(every) * float64(n))
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

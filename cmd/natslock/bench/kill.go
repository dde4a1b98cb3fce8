package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/schema"
)

// KilledTTL is the TTL of the sessions whose holders are killed: so long that
// none ends by its silence.
const KilledTTL = 30 * time.Second

const (
	killsTogether = 20                    // holders that live at once, so that none starts while another is killed
	killPause     = 20 * time.Millisecond // from one kill to the next, if its lock is not granted before
)

// PresenceConfig says where the figures of presence are measured, and how much.
type PresenceConfig struct {
	Program     []string // how to run natslock
	Server      *Server
	Connect     func(ctx context.Context) (*nats.Conn, error)
	Connections int
	Sessions    int
	TTL, Every  time.Duration // of sessions: their TTL, and from one keepalive to the next
	Duration    time.Duration
	Rounds      int

	// Progress is told what is measured now.
	Progress func(point, step string)
}

// Killed says how long others wait for what a process had that was killed.
type Killed struct {
	Grace            time.Duration // of the holders
	Kills            int
	P50, P99         time.Duration // from the kill to the grant of the next waiter
	SeenP50, SeenP99 time.Duration // from the kill until this process saw it, by a pipe
}

// Kill kills n holders, processes that have one session each, a connection of its
// own and one lock, while somebody waits for it.
func Kill(ctx context.Context, cfg PresenceConfig, grace time.Duration, n int) (k *Killed, err error) {
	l, err := dialLine(ctx, cfg.Connect)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	what := fmt.Sprintf("kill -9 of a holder, grace %s", grace)
	var grants, deaths samples
	for len(grants) < n {
		cfg.Progress(what, fmt.Sprintf("%d of %d", len(grants), n))
		v := victims{cfg: cfg, line: l, grace: grace, first: len(grants)}
		g, d, err := v.kill(ctx, min(killsTogether, n-len(grants)))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		grants, deaths = append(grants, g...), append(deaths, d...)
	}
	grants.sort()
	deaths.sort()
	return &Killed{
		Grace: grace, Kills: n, P50: grants.quantile(0.5), P99: grants.quantile(0.99),
		SeenP50: deaths.quantile(0.5), SeenP99: deaths.quantile(0.99),
	}, nil
}

// victims are holders that are killed one after the other.
type victims struct {
	cfg     PresenceConfig
	line    *line
	grace   time.Duration
	first   int // number of the first
	members []*members
}

// kill starts n holders and kills them: how long the waiters waited, and how long
// each death took to be seen.
func (v *victims) kill(ctx context.Context, n int) (grants, deaths samples, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, v.grace+2*stuck, errStuck)
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	defer func() {
		for _, m := range v.members {
			err = errors.Join(err, m.close())
		}
	}()
	granted := make([]chan time.Time, n)
	for i := range n {
		if err := v.start(ctx, i); err != nil {
			return nil, nil, err
		}
		granted[i] = make(chan time.Time, 1)
	}
	queued, err := listen(v.line.nc, schema.EventQueued)
	if err != nil {
		return nil, nil, err
	}
	for i := range n {
		go wait(ctx, v.line, memberLock(v.session(i)+"-00000", 0), func(at time.Time, err error) {
			if err != nil {
				fail(err)
				return
			}
			granted[i] <- at
		})
	}
	if err := queued.reach(ctx, n); err != nil {
		return nil, nil, err
	}
	killed := make([]time.Time, n)
	for i, m := range v.members {
		at, seen, err := m.kill()
		if err != nil {
			return nil, nil, err
		}
		killed[i], deaths = at, append(deaths, seen.Sub(at))
		if err := pause(ctx, killPause); err != nil {
			return nil, nil, err
		}
	}
	for i := range n {
		select {
		case at := <-granted[i]:
			grants = append(grants, at.Sub(killed[i]))
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
	return grants, deaths, queued.close()
}

// session is what the id of a holder's session begins with.
func (v *victims) session(i int) string {
	return fmt.Sprintf("killed-%s-%05d", v.grace, v.first+i)
}

func (v *victims) start(ctx context.Context, i int) error {
	m, err := startMembers(v.cfg.Program, v.cfg.Server.URL)
	if err != nil {
		return err
	}
	v.members = append(v.members, m)
	_, err = m.order(ctx, doOpen, Crowd{
		Sessions: 1, Locks: 1, Connections: 1, TTL: KilledTTL, Every: KilledTTL / 3, Grace: v.grace, Name: v.session(i),
	})
	return err
}

// wait waits for a lock.
func wait(ctx context.Context, l *line, name string, granted func(at time.Time, err error)) {
	ttl := int64(heldTTL)
	_, err := l.want(ctx, schema.VerbAcquire, &schema.Acquire{
		Name: name, Client: clientName, Owner: "waiter", Request: name + "/next", TTL: &ttl, Wait: patience.Milliseconds(),
	}, schema.StatusGranted)
	granted(time.Now(), err)
}

// pause waits for d.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// MarshalJSON writes durations in microseconds.
func (k *Killed) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Grace   int64   `json:"grace_ms"`
		Kills   int     `json:"kills"`
		P50     float64 `json:"p50_us"`
		P99     float64 `json:"p99_us"`
		SeenP50 float64 `json:"seen_p50_us"`
		SeenP99 float64 `json:"seen_p99_us"`
	}{k.Grace.Milliseconds(), k.Kills, Micros(k.P50), Micros(k.P99), Micros(k.SeenP50), Micros(k.SeenP99)})
}

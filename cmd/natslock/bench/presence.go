package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/natslock/natslock/schema"
)

const (
	// locksOfSession is how many locks each session has.
	locksOfSession = 5

	// sessionsOfWaiter is of how many sessions one has a lock that somebody else
	// waits for.
	sessionsOfWaiter = 10
)

// Presence says what many sessions cost, and how they end.
type Presence struct {
	Sessions, Locks, Connections int
	TTL, Every                   time.Duration
	Opened                       time.Duration // until all were open and had their locks
	Beats                        float64       // keepalives a second
	Live                         Load          // while they are kept alive
	Echo                         Load          // while the echo gets as many requests
	RSS                          int64         // bytes

	Waiters  int
	Released time.Duration // from the death of them all to the end of the last hold
	Granted  time.Duration // and to the last grant to somebody who waits
}

// Load is the CPU that two processes use, each as a share of one core.
type Load struct {
	Server float64
	Sender float64 // of the keepalives, or of the requests to the echo
}

// Attend has many sessions, measures the server while they are kept alive, and
// has them all die at once.
func Attend(ctx context.Context, cfg PresenceConfig) (p *Presence, err error) {
	what := fmt.Sprintf("%d sessions", cfg.Sessions)
	l, err := dialLine(ctx, cfg.Connect)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	m, err := startMembers(cfg.Program, cfg.Server.URL)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	p = &Presence{
		Sessions: cfg.Sessions, Locks: cfg.Sessions * locksOfSession, Connections: cfg.Connections, TTL: cfg.TTL, Every: cfg.Every,
		Waiters: (cfg.Sessions + sessionsOfWaiter - 1) / sessionsOfWaiter,
	}
	c := cfg.crowd("present", locksOfSession)
	if err := p.echo(ctx, cfg, m, c, what); err != nil {
		return nil, err
	}
	cfg.Progress(what, "open")
	start := time.Now()
	if _, err := m.order(ctx, doOpen, c); err != nil {
		return nil, err
	}
	p.Opened = time.Since(start)
	if err := p.live(ctx, cfg, m, what); err != nil {
		return nil, err
	}
	cfg.Progress(what, "all die")
	return p, p.die(ctx, m, l)
}

// crowd is the sessions, with locks each.
func (cfg *PresenceConfig) crowd(name string, locks int) Crowd {
	return Crowd{
		Sessions: cfg.Sessions, Locks: locks, Connections: cfg.Connections, TTL: cfg.TTL, Every: cfg.Every,
		Grace: 2 * time.Second, Name: name,
	}
}

// echo measures what as many requests cost that nobody stores.
func (p *Presence) echo(ctx context.Context, cfg PresenceConfig, m *members, c Crowd, what string) (err error) {
	cfg.Progress(what, "echo")
	if _, err := m.order(ctx, doEcho, c); err != nil {
		return err
	}
	p.Echo, err = cfg.load(ctx, m)
	if err != nil {
		return err
	}
	_, err = m.order(ctx, doRest, c)
	return err
}

// live measures the server while all are kept alive.
func (p *Presence) live(ctx context.Context, cfg PresenceConfig, m *members, what string) (err error) {
	cfg.Progress(what, "keepalives")
	if err := pause(ctx, min(cfg.Every, cfg.Duration)); err != nil { // what opening them has left to be done
		return err
	}
	before, err := m.order(ctx, doCount, Crowd{})
	if err != nil {
		return err
	}
	start := time.Now()
	p.Live, err = cfg.load(ctx, m)
	if err != nil {
		return err
	}
	after, err := m.order(ctx, doCount, Crowd{})
	if err != nil {
		return err
	}
	p.Beats = float64(after.Answered-before.Answered) / time.Since(start).Seconds()
	p.RSS, err = RSS(cfg.Server.PID())
	return err
}

// load is what server and crowd use for a while.
func (cfg *PresenceConfig) load(ctx context.Context, m *members) (l Load, err error) {
	used, err := load(func() error { return pause(ctx, cfg.Duration) }, cfg.Server.PID(), m.pid())
	if err != nil {
		return l, err
	}
	return Load{Server: used[0], Sender: used[1]}, nil
}

// die kills the crowd, and waits until everything it had is free, or has gone to
// those who waited for it.
func (p *Presence) die(ctx context.Context, m *members, l *line) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.TTL+2*stuck, errStuck)
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	queued, err := listen(l.nc, schema.EventQueued)
	if err != nil {
		return err
	}
	ended, err := listen(l.nc, schema.EventOrphaned)
	if err != nil {
		return err
	}
	granted := &events{more: make(chan struct{}, 1)}
	for i := range p.Waiters {
		session := fmt.Sprintf("present-%05d", i*sessionsOfWaiter)
		go wait(ctx, l, memberLock(session, 0), func(at time.Time, err error) {
			if err != nil {
				fail(err)
				return
			}
			granted.one(at)
		})
	}
	if err := queued.reach(ctx, p.Waiters); err != nil {
		return fmt.Errorf("waiters: %w", err)
	}
	// So soon after that, nobody has been missed but by the kill.
	if n, _ := ended.soFar(); n > 0 {
		return fmt.Errorf("%d holds ended while their sessions lived", n)
	}
	at, _, err := m.kill()
	if err != nil {
		return err
	}
	if err := ended.reach(ctx, p.Locks); err != nil {
		return fmt.Errorf("holds that ended: %w", err)
	}
	if err := granted.reach(ctx, p.Waiters); err != nil {
		return fmt.Errorf("waiters that were granted: %w", err)
	}
	_, last := ended.soFar()
	p.Released = last.Sub(at)
	_, last = granted.soFar()
	p.Granted = last.Sub(at)
	return errors.Join(queued.close(), ended.close())
}

// MarshalJSON writes durations in milliseconds.
func (p *Presence) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Sessions    int     `json:"sessions"`
		Locks       int     `json:"locks"`
		Connections int     `json:"connections"`
		TTL         int64   `json:"ttl_ms"`
		Every       int64   `json:"every_ms"`
		Opened      int64   `json:"opened_ms"`
		Beats       float64 `json:"keepalives_per_second"`
		CPU         float64 `json:"cpu"`
		Sender      float64 `json:"sender_cpu"`
		EchoCPU     float64 `json:"echo_cpu"`
		EchoSender  float64 `json:"echo_sender_cpu"`
		RSS         int64   `json:"rss_bytes"`
		Waiters     int     `json:"waiters"`
		Released    int64   `json:"released_ms"`
		Granted     int64   `json:"granted_ms"`
	}{
		p.Sessions, p.Locks, p.Connections, p.TTL.Milliseconds(), p.Every.Milliseconds(), p.Opened.Milliseconds(),
		p.Beats, p.Live.Server, p.Live.Sender, p.Echo.Server, p.Echo.Sender, p.RSS, p.Waiters, p.Released.Milliseconds(), p.Granted.Milliseconds(),
	})
}

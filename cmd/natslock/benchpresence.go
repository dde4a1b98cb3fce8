package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/cmd/natslock/bench"
	"github.com/natslock/natslock/cmd/natslock/text"
)

// The sessions that bench measures.
const (
	benchTTL   = 10 * time.Second
	benchEvery = benchTTL * 33 / 100
)

// ofPresence tells whether a part is asked for that is about sessions.
func (c *benchCmd) ofPresence() bool {
	return c.Held == 0 && (c.Only == "kill" || c.Only == "sessions" || c.Only == "idle")
}

// presence measures a part that is about sessions.
func (c *benchCmd) presence(ctx context.Context, r *benchReport, p *progress, program string, server *bench.Server) (err error) {
	cfg := bench.PresenceConfig{
		Program: []string{program}, Server: server, Connections: c.Connections, Sessions: c.Sessions, TTL: benchTTL, Every: benchEvery,
		Duration: c.Duration, Rounds: c.Rounds, Progress: p.tell,
		Connect: func(ctx context.Context) (*nats.Conn, error) {
			return c.connect(ctx, server.URL, "natslock bench", nil)
		},
	}
	switch c.Only {
	case "kill":
		for _, grace := range []time.Duration{2 * time.Second, 0} {
			k, err := bench.Kill(ctx, cfg, grace, c.Kills)
			if err != nil {
				return err
			}
			r.Killed = append(r.Killed, k)
		}
	case "sessions":
		r.Presence, err = bench.Attend(ctx, cfg)
	case "idle":
		r.Idle, err = bench.Idle(ctx, cfg, c.Callers)
	}
	return err
}

// writePresence prints what was measured of sessions.
func (r *benchReport) writePresence(w io.Writer) error {
	if len(r.Killed) > 0 {
		if err := writeKilled(w, r.Killed); err != nil {
			return err
		}
	}
	if r.Presence != nil {
		if err := writeAttended(w, r.Presence); err != nil {
			return err
		}
	}
	if len(r.Idle) > 0 {
		return writeIdle(w, r.Idle)
	}
	return nil
}

func writeKilled(w io.Writer, list []*bench.Killed) error {
	if _, err := fmt.Fprint(w, "\nholders killed: from the kill to the grant of the next waiter, and until its parent sees it\n\n"); err != nil {
		return err
	}
	t := text.Table{W: w, Terminal: true, Header: []string{"GRACE", "KILLS", "P50", "P99", "SEEN P50", "SEEN P99"}}
	for _, k := range list {
		t.Row(k.Grace.String(), strconv.Itoa(k.Kills), micros(k.P50), micros(k.P99), micros(k.SeenP50), micros(k.SeenP99))
	}
	return t.Flush()
}

func writeAttended(w io.Writer, p *bench.Presence) error {
	_, err := fmt.Fprintf(w, `
%d sessions with %d locks, over %d connections, a keepalive of each every %s: all there in %s
%s keepalives/s: server CPU %s %% of a core, sender %s %% (as many echoes: %s %%, sender %s %%), RSS %s
all died at once: the last hold ended after %s, the last of %d waiters was granted after %s
`,
		p.Sessions, p.Locks, p.Connections, p.Every, rough(p.Opened),
		round(p.Beats, 0), round(100*p.Live.Server, 1), round(100*p.Live.Sender, 1), round(100*p.Echo.Server, 1), round(100*p.Echo.Sender, 1), megabytes(p.RSS),
		seconds(p.Released), p.Waiters, seconds(p.Granted))
	return err
}

// seconds is a time to a hundredth of a second.
func seconds(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }

func writeIdle(w io.Writer, points []bench.Beside) error {
	if _, err := fmt.Fprint(w, "\nseparate names without sessions, beside idle ones, and beside as many echoes as there are keepalives\n\n"); err != nil {
		return err
	}
	t := text.Table{W: w, Terminal: true, Header: []string{"CALLERS", "PAIRS/S", "P50", "P99", "SESSIONS", "PAIRS/S", "P50", "P99", "RATIO", "BESIDE ECHOES", "CPU OF A PAIR", "OF A KEEPALIVE", "OF THE SENDER"}}
	for i := range points {
		b := &points[i]
		row := append([]string{strconv.Itoa(b.Callers)}, figures(&b.Without)...)
		row = append(append(row, strconv.Itoa(b.Sessions)), figures(&b.With)...)
		t.Row(append(row, round(b.Ratio(), 2), round(b.EchoRatio(), 2), micros(b.Pair), micros(b.Beat), round(100*b.Sender, 1)+" %")...)
	}
	return t.Flush()
}

// crowdCmd is the hidden command crowd: a process of sessions, which bench starts.
type crowdCmd struct {
	Server string `required:"" placeholder:"URL" help:"NATS server."`

	credentials
}

// Run does what it is told on standard input.
func (c *crowdCmd) Run(ctx context.Context, sys *system) error {
	return bench.ServeCrowd(ctx, sys.in, sys.out, func(ctx context.Context) (*nats.Conn, error) {
		return c.connect(ctx, c.Server, "natslock crowd", nil)
	})
}

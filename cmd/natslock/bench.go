package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/cmd/natslock/bench"
)

// benchCmd is the command bench.
type benchCmd struct {
	Sync        syncMode      `default:"always" placeholder:"always|D" help:"--sync of the server that is started. Default: always."`
	Duration    time.Duration `default:"3s" placeholder:"D" help:"How long each point is measured, and as long its echo. Default: 3s."`
	Rounds      int           `default:"3" placeholder:"N" help:"In how many turns with the echo. Default: 3."`
	Callers     []int         `default:"1,16,64,256" placeholder:"N" help:"Points of separate names. Default: 1,16,64,256."`
	Waiters     []int         `default:"16,64,256" placeholder:"N" help:"Points of one hot name. Default: 16,64,256."`
	Connections int           `default:"2" placeholder:"N" help:"Connections that the callers share. Default: 2."`
	Only        string        `enum:",separate,hot,kill,sessions,idle" default:"" placeholder:"PART" help:"separate, hot, kill, sessions or idle. Default: separate and hot."`
	Kills       int           `default:"200" placeholder:"N" help:"How many holders are killed, for each grace. Default: 200."`
	Sessions    int           `default:"10000" placeholder:"N" help:"How many sessions there are. With as many --connections each has one of its own. Default: 10000."`
	Held        int           `placeholder:"N" help:"Hold N locks and restart the server, instead of all that."`
	Dir         string        `complete:"file" placeholder:"DIR" help:"Where the server's data directory is made, and removed. Default: that for temporary files."`
	Server      string        `placeholder:"URL" help:"Measure this server instead of one of our own. Without serve --echo there are no ratios."`
	JSON        bool          `name:"json" help:"Print JSON."`

	credentials
}

// Help has the examples.
func (*benchCmd) Help() string {
	return `A server is started as a process of its own, measured, and removed. Each point is measured in turns with an echo: requests of the same size over the same connections that are answered at once and store nothing. The ratio to it says what locking costs on this machine.

Three parts are measured only when they are asked for. kill: how long others wait for what a process had that is killed with SIGKILL, beside how soon its parent sees that; with a reconnect grace of 2s, and of none. sessions: what many sessions cost that have 5 locks each and send a keepalive every third of their TTL of 10s, beside as many requests to the echo; and how soon everything is free when they all die at once. idle: separate names without sessions, beside sessions that have no locks, and beside as many requests to the echo, in turns.

With --sync always the disk sets the pace: its fsync time is printed beside the figures. A directory in memory, as /tmp may be, flatters.

Examples:

    natslock bench --sync 1s
    natslock bench --only separate --callers 64 --duration 10s --json
    natslock bench --held 100000 --sync 1s
    natslock bench --only kill
    natslock bench --only sessions --sessions 10000 --duration 30s --sync 1s
    natslock bench --only idle --callers 64 --duration 30s --rounds 10 --sync 1s`
}

// Run measures and prints a report.
func (c *benchCmd) Run(ctx context.Context, sys *system) error {
	if err := c.check(); err != nil {
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	p := &progress{w: sys.err, terminal: isTerminal(sys.err)}
	report, err := c.measure(ctx, p)
	p.clear()
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if c.JSON {
		return report.writeJSON(sys.out)
	}
	return report.write(sys.out)
}

// check finds what makes no sense.
func (c *benchCmd) check() error {
	for _, n := range append(append([]int{c.Rounds, c.Connections, c.Kills, c.Sessions}, c.Callers...), c.Waiters...) {
		if n < 1 {
			return usagef("bench: %d: must be at least 1", n)
		}
	}
	for _, n := range c.Waiters {
		if n > 900 {
			return usagef("bench: --waiters %d: a lock has room for 900 and a few", n)
		}
	}
	switch {
	case c.Duration < time.Duration(c.Rounds)*10*time.Millisecond:
		return usagef("bench: --duration: must be at least 10ms for each round")
	case c.Held < 0:
		return usagef("bench: --held: must not be negative")
	case c.Held > 0 && c.Server != "":
		return usagef("bench: --held restarts its server, so it needs one of its own: leave --server away")
	case c.ofPresence() && c.Server != "":
		return usagef("bench: --only %s looks at the server's process, so it needs one of its own: leave --server away", c.Only)
	}
	return nil
}

// measure does what is asked for, with a server of its own if need be.
func (c *benchCmd) measure(ctx context.Context, p *progress) (*benchReport, error) {
	r := newBenchReport()
	if c.Server != "" {
		r.Server = bus.Redact(c.Server)
		return r, c.points(ctx, r, p, c.Server)
	}
	dir, err := os.MkdirTemp(c.Dir, "natslock-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a data directory: %w", err)
	}
	err = c.own(ctx, r, p, dir)
	return r, errors.Join(err, os.RemoveAll(dir))
}

// own measures a server with its data in dir.
func (c *benchCmd) own(ctx context.Context, r *benchReport, p *progress, dir string) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	fsync, err := bench.Fsync(dir)
	if err != nil {
		return err
	}
	r.Sync, r.Fsync = c.Sync.String(), bench.Micros(fsync)
	start := func(ctx context.Context) (*bench.Server, error) {
		return bench.StartServer(ctx, []string{program}, filepath.Join(dir, "data"), c.Sync.String())
	}
	if c.Held > 0 {
		r.Held, err = bench.Hold(ctx, bench.HeldConfig{
			Locks: c.Held, Connections: c.Connections, Start: start, Progress: p.tell,
			Connect: func(ctx context.Context, s *bench.Server) (*nats.Conn, error) {
				return c.connect(ctx, s.URL, "natslock bench", nil)
			},
		})
		return err
	}
	server, err := start(ctx)
	if err != nil {
		return err
	}
	if c.ofPresence() {
		err = c.presence(ctx, r, p, program, server)
	} else {
		err = c.points(ctx, r, p, server.URL)
	}
	return errors.Join(err, server.Stop(syscall.SIGTERM))
}

// points measures separate names and the hot one.
func (c *benchCmd) points(ctx context.Context, r *benchReport, p *progress, url string) (err error) {
	cfg := bench.Config{
		Connections: c.Connections, Duration: c.Duration, Rounds: c.Rounds, Callers: c.Callers, Waiters: c.Waiters, Progress: p.tell,
		Connect: func(ctx context.Context) (*nats.Conn, error) { return c.connect(ctx, url, "natslock bench", nil) },
	}
	switch c.Only {
	case "separate":
		cfg.Waiters = nil
	case "hot":
		cfg.Callers = nil
	}
	r.Connections = c.Connections
	r.Separate, r.Hot, err = bench.Run(ctx, cfg)
	return err
}

// progress is the line that says what is measured now.
type progress struct {
	w        io.Writer
	terminal bool
	point    string
}

// tell replaces the line on a terminal, and elsewhere prints one for each point.
func (p *progress) tell(point, step string) {
	switch {
	case p.terminal:
		_, _ = fmt.Fprintf(p.w, "\r\x1b[K%s: %s", point, step)
	case point != p.point:
		_, _ = fmt.Fprintf(p.w, "natslock: measuring %s\n", point)
	}
	p.point = point
}

func (p *progress) clear() {
	if p.terminal {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func round(f float64, digits int) string { return strconv.FormatFloat(f, 'f', digits, 64) }

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nuid"
)

// Beside is a point of separate names alone, and with idle sessions beside it.
type Beside struct {
	Callers  int
	Sessions int
	Without  Figures
	With     Figures
	Echo     Figures       // beside as many requests to the echo as there would be keepalives
	Pair     time.Duration // CPU of the server for a pair, without sessions
	Beat     time.Duration // and what it needs more with them, for a keepalive
	Sender   float64       // CPU of who sends the keepalives, as a share of one core
}

// Ratio is how many times the rate alone that beside the sessions is.
func (b *Beside) Ratio() float64 { return b.ratio(&b.With) }

// EchoRatio is the same for the rate beside the echo.
func (b *Beside) EchoRatio() float64 { return b.ratio(&b.Echo) }

func (b *Beside) ratio(f *Figures) float64 {
	if b.Without.PerSecond == 0 {
		return 0
	}
	return f.PerSecond / b.Without.PerSecond
}

// Idle measures separate names in turns: without sessions, while many are kept alive
// that have no locks, and while the echo gets as many requests from the same sender.
func Idle(ctx context.Context, cfg PresenceConfig, callers []int) (points []Beside, err error) {
	r := run{Config: Config{Connect: cfg.Connect, Connections: cfg.Connections}, id: nuid.Next()}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	m, err := startMembers(cfg.Program, cfg.Server.URL)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	for _, n := range callers {
		i := idle{cfg: cfg, run: &r, members: m, what: fmt.Sprintf("separate names beside %d sessions, %d callers", cfg.Sessions, n)}
		if err := i.measure(ctx, n); err != nil {
			return nil, fmt.Errorf("%s: %w", i.what, err)
		}
		points = append(points, i.point(n))
	}
	return points, nil
}

// idle is one point on its way.
type idle struct {
	cfg                 PresenceConfig
	run                 *run
	members             *members
	what                string
	without, with, echo spent
}

// spent is a tally and what it has cost.
type spent struct {
	tally
	pairs, beats int64 // all, also those that the tally does not count
	cpu          time.Duration
	sender       time.Duration // CPU of the crowd
	took         time.Duration
}

// point is what the rounds have found.
func (i *idle) point(callers int) Beside {
	b := Beside{Callers: callers, Sessions: i.cfg.Sessions, Without: i.without.figures(), With: i.with.figures(), Echo: i.echo.figures()}
	if i.without.pairs > 0 && i.with.beats > 0 {
		b.Pair = i.without.cpu / time.Duration(i.without.pairs)
		b.Beat = (i.with.cpu - b.Pair*time.Duration(i.with.pairs)) / time.Duration(i.with.beats)
	}
	if i.with.took > 0 {
		b.Sender = i.with.sender.Seconds() / i.with.took.Seconds()
	}
	return b
}

// measure has each round begin with another turn: what comes first in a round, or
// after what, is not always the same.
func (i *idle) measure(ctx context.Context, n int) error {
	turns := []func(context.Context, int, int) error{i.alone, i.beside, i.besideEcho}
	for round := range i.cfg.Rounds {
		for k := range turns {
			if err := turns[(round+k)%len(turns)](ctx, n, round); err != nil {
				return err
			}
		}
	}
	return nil
}

func (i *idle) alone(ctx context.Context, n, round int) error {
	return i.slice(ctx, n, fmt.Sprintf("without, round %d of %d", round+1, i.cfg.Rounds), &i.without)
}

func (i *idle) beside(ctx context.Context, n, round int) error {
	name := fmt.Sprintf("idle-%04d", i.run.turns) // what has left is never opened again
	if _, err := i.members.order(ctx, doOpen, i.cfg.crowd(name, 0)); err != nil {
		return err
	}
	if err := i.slice(ctx, n, fmt.Sprintf("with, round %d of %d", round+1, i.cfg.Rounds), &i.with); err != nil {
		return err
	}
	_, err := i.members.order(ctx, doLeave, Crowd{})
	return err
}

func (i *idle) besideEcho(ctx context.Context, n, round int) error {
	if _, err := i.members.order(ctx, doEcho, i.cfg.crowd("echo", 0)); err != nil {
		return err
	}
	if err := i.slice(ctx, n, fmt.Sprintf("beside the echo, round %d of %d", round+1, i.cfg.Rounds), &i.echo); err != nil {
		return err
	}
	_, err := i.members.order(ctx, doRest, Crowd{})
	return err
}

func (i *idle) slice(ctx context.Context, n int, step string, sum *spent) error {
	i.cfg.Progress(i.what, step)
	s := slice{side: service, name: separateTurn, length: i.cfg.Duration / time.Duration(i.cfg.Rounds)}
	i.run.turns++
	before, err := i.look(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	t, err := s.run(ctx, i.run.lines, fmt.Sprintf("%s-%04d", i.run.id, i.run.turns), n)
	if err != nil {
		return err
	}
	after, err := i.look(ctx)
	if err != nil {
		return err
	}
	sum.add(t)
	sum.pairs += int64(t.all)
	sum.beats += after.beats - before.beats
	sum.cpu += after.cpu - before.cpu
	sum.sender += after.sender - before.sender
	sum.took += time.Since(start)
	return nil
}

// look notes what server and crowd have used so far, and how many keepalives there were.
func (i *idle) look(ctx context.Context) (s spent, err error) {
	told, err := i.members.order(ctx, doCount, Crowd{})
	if err != nil {
		return s, err
	}
	s.beats = told.Answered
	if s.cpu, err = CPU(i.cfg.Server.PID()); err != nil {
		return s, err
	}
	s.sender, err = CPU(i.members.pid())
	return s, err
}

// MarshalJSON writes the point with its ratio.
func (b Beside) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Callers   int     `json:"callers"`
		Sessions  int     `json:"sessions"`
		Without   Figures `json:"without"`
		With      Figures `json:"with"`
		Echo      Figures `json:"beside_echo"`
		Ratio     float64 `json:"ratio"`
		EchoRatio float64 `json:"echo_ratio"`
		Pair      float64 `json:"cpu_of_a_pair_us"`
		Beat      float64 `json:"cpu_of_a_keepalive_us"`
		Sender    float64 `json:"sender_cpu"`
	}{b.Callers, b.Sessions, b.Without, b.With, b.Echo, b.Ratio(), b.EchoRatio(), Micros(b.Pair), Micros(b.Beat), b.Sender})
}

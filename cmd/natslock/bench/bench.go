package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
)

// Config says what to measure.
type Config struct {
	Connect     func(ctx context.Context) (*nats.Conn, error)
	Connections int
	Duration    time.Duration // measured for each side of a point
	Rounds      int           // slices of Duration, in turns with the other side
	Callers     []int         // points of separate names
	Waiters     []int         // points of one hot name

	// Progress is told what is measured now.
	Progress func(point, step string)
}

// Run measures all points. Where nobody answers the echo, the points have none.
func Run(ctx context.Context, cfg Config) (separate, hot []Point, err error) {
	r := run{Config: cfg, id: nuid.Next()}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.open(ctx); err != nil {
		return nil, nil, err
	}
	if err := r.look(ctx); err != nil {
		return nil, nil, err
	}
	for _, n := range cfg.Callers {
		p, err := r.point(ctx, fmt.Sprintf("separate names, %d callers", n), n, slice{name: separateTurn})
		if err != nil {
			return nil, nil, err
		}
		separate = append(separate, p)
	}
	for _, n := range cfg.Waiters {
		p, err := r.point(ctx, fmt.Sprintf("one hot name, %d waiters", n), n, slice{name: hotName, wait: patience})
		if err != nil {
			return nil, nil, err
		}
		hot = append(hot, p)
	}
	return separate, hot, nil
}

// separateTurn goes around the caller's own names.
func separateTurn(caller, n int) string { return separateName(caller, n%namesOfCaller) }

// hotName is the one name for all.
func hotName(int, int) string { return separateName(99999, 0) }

// run is a Run.
type run struct {
	Config
	id    string
	lines []*line
	sides []side
	turns int // slices that were run
}

// open makes the lines.
func (r *run) open(ctx context.Context) error {
	for range r.Connections {
		l, err := dialLine(ctx, r.Connect)
		if err != nil {
			return err
		}
		r.lines = append(r.lines, l)
	}
	return nil
}

func (r *run) close() error {
	var errs []error
	for _, l := range r.lines {
		errs = append(errs, l.close())
	}
	return errors.Join(errs...)
}

// look finds out which sides are served.
func (r *run) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, stuck, errStuck)
	defer cancel()
	for _, s := range []side{echoes, service} {
		ok, err := r.lines[0].answers(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if ok {
			r.sides = append(r.sides, s)
		} else if s == service {
			return errors.New("no natslock answers on this NATS")
		}
	}
	return nil
}

// point measures one point: its sides in turns.
func (r *run) point(ctx context.Context, what string, n int, s slice) (Point, error) {
	tallies := map[side]*tally{}
	for round := range r.Rounds {
		for _, s.side = range r.sides {
			r.Progress(what, fmt.Sprintf("%s, round %d of %d", s.side.name, round+1, r.Rounds))
			s.length = r.Duration / time.Duration(r.Rounds)
			r.turns++
			t, err := s.run(ctx, r.lines, fmt.Sprintf("%s-%04d", r.id, r.turns), n)
			if err != nil {
				return Point{}, fmt.Errorf("%s: %w", what, err)
			}
			if tallies[s.side] == nil {
				tallies[s.side] = &tally{}
			}
			tallies[s.side].add(t)
		}
	}
	return newPoint(n, tallies[service], tallies[echoes]), nil
}

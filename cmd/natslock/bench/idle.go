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
}

// Ratio is how many times the rate alone that beside the sessions is.
func (b *Beside) Ratio() float64 {
	if b.Without.PerSecond == 0 {
		return 0
	}
	return b.With.PerSecond / b.Without.PerSecond
}

// Idle measures separate names in turns: without sessions, and while many are kept
// alive that have no locks.
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
		points = append(points, Beside{Callers: n, Sessions: cfg.Sessions, Without: i.without.figures(), With: i.with.figures()})
	}
	return points, nil
}

// idle is one point on its way.
type idle struct {
	cfg           PresenceConfig
	run           *run
	members       *members
	what          string
	without, with tally
}

// measure has the rounds begin in turns with and without: what comes first in a
// round is not always the same.
func (i *idle) measure(ctx context.Context, n int) error {
	for round := range i.cfg.Rounds {
		turns := []func(context.Context, int, int) error{i.alone, i.beside}
		if round%2 == 1 {
			turns[0], turns[1] = turns[1], turns[0]
		}
		for _, turn := range turns {
			if err := turn(ctx, n, round); err != nil {
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

func (i *idle) slice(ctx context.Context, n int, step string, sum *tally) error {
	i.cfg.Progress(i.what, step)
	s := slice{side: service, name: separateTurn, length: i.cfg.Duration / time.Duration(i.cfg.Rounds)}
	i.run.turns++
	t, err := s.run(ctx, i.run.lines, fmt.Sprintf("%s-%04d", i.run.id, i.run.turns), n)
	if err != nil {
		return err
	}
	sum.add(t)
	return nil
}

// MarshalJSON writes the point with its ratio.
func (b Beside) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Callers  int     `json:"callers"`
		Sessions int     `json:"sessions"`
		Without  Figures `json:"without"`
		With     Figures `json:"with"`
		Ratio    float64 `json:"ratio"`
	}{b.Callers, b.Sessions, b.Without, b.With, b.Ratio()})
}

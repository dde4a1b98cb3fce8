package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	warmUp = 0.1 // of a slice's length, before it, is not counted

	// stuck is how long after its end a slice may still wait for answers.
	stuck = 30 * time.Second
)

var errStuck = errors.New("no answer for " + stuck.String())

// slice is a stretch of time in which callers work on one side of a point.
type slice struct {
	side   side
	length time.Duration
	wait   time.Duration              // of each acquire
	name   func(caller, n int) string // of the caller's nth pair
}

// tally is what a slice has counted. A point is the sum of its slices.
type tally struct {
	length     time.Duration
	pairs      int
	all        int // pairs, with those before and after the slice
	samples    samples
	outOfOrder int
}

func (t *tally) add(o tally) {
	t.length += o.length
	t.pairs += o.pairs
	t.all += o.all
	t.samples = append(t.samples, o.samples...)
	t.outOfOrder += o.outOfOrder
}

// run has n callers work, spread over the lines.
func (s slice) run(ctx context.Context, lines []*line, id string, n int) (tally, error) {
	begin := time.Now().Add(time.Duration(float64(s.length) * warmUp))
	end := begin.Add(s.length)
	ctx, cancel := context.WithDeadlineCause(ctx, end.Add(stuck), errStuck)
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)

	grants := make([][]grant, n)
	var callers sync.WaitGroup
	for i := range n {
		c := caller{line: lines[i%len(lines)], id: fmt.Sprintf("%s-%05d", id, i), owner: ownerName(i)}
		callers.Go(func() {
			for k := 0; time.Now().Before(end); k++ {
				g, err := c.pair(ctx, s.side, s.name(i, k), s.wait)
				if err != nil {
					fail(err)
					return
				}
				grants[i] = append(grants[i], g)
			}
		})
	}
	callers.Wait()
	if ctx.Err() != nil {
		return tally{}, context.Cause(ctx)
	}
	return s.count(grants, len(lines), begin, end), nil
}

// count tallies what was granted between begin and end. The order of grants is
// checked for one name only.
func (s slice) count(grants [][]grant, lines int, begin, end time.Time) tally {
	t := tally{length: s.length}
	byLine := make([][]grant, lines)
	for i, gs := range grants {
		t.all += len(gs)
		for _, g := range gs {
			if !g.at.Before(begin) && g.at.Before(end) {
				t.pairs++
				t.samples = append(t.samples, g.took)
			}
		}
		byLine[i%lines] = append(byLine[i%lines], gs...)
	}
	if s.wait > 0 {
		for _, gs := range byLine {
			t.outOfOrder += outOfOrder(gs)
		}
	}
	return t
}

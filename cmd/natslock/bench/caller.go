package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/natslock/natslock/schema"
)

const (
	clientName    = "natslock-bench"
	namesOfCaller = 16

	// patience is how long a hot name may be waited for: longer than any slice.
	patience = time.Hour
)

// The texts of messages have one length, whoever sends them.
func separateName(caller, name int) string { return fmt.Sprintf("bench/%05d/%02d", caller, name) }
func ownerName(caller int) string          { return fmt.Sprintf("caller-%05d", caller) }

// grant is what an acquire has got.
type grant struct {
	took   time.Duration
	at     time.Time
	number int // the request's place on its line
	token  uint64
}

// caller is one that acquires and releases, again and again.
type caller struct {
	line     *line
	id       string // unique for the run
	owner    string
	attempts int
}

// pair acquires and releases a name, and may wait for it.
func (c *caller) pair(ctx context.Context, s side, name string, wait time.Duration) (grant, error) {
	c.attempts++
	acquire := schema.Acquire{
		Name: name, Client: clientName, Owner: c.owner, Request: fmt.Sprintf("%s-%08d", c.id, c.attempts), Wait: wait.Milliseconds(),
	}
	start := time.Now()
	reply, number, err := c.line.call(ctx, s.acquire, &acquire)
	g := grant{at: time.Now(), number: number, token: reply.Token}
	g.took = g.at.Sub(start)
	if err != nil {
		return g, fmt.Errorf("%s: acquire: %w", s.name, err)
	}
	if reply.Status != schema.StatusGranted {
		return g, fmt.Errorf("%s: %w", s.name, refused(schema.VerbAcquire, &reply))
	}
	release := schema.Release{Name: name, Client: clientName, Token: reply.Token, Forget: acquire.Request} // it was sent once
	reply, _, err = c.line.call(ctx, s.release, &release)
	if err != nil {
		return g, fmt.Errorf("%s: release: %w", s.name, err)
	}
	if reply.Status != schema.StatusReleased {
		return g, fmt.Errorf("%s: %w", s.name, refused(schema.VerbRelease, &reply))
	}
	return g, nil
}

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/schema"
)

const (
	heldTTL     = schema.MaxTTL
	heldCallers = 256
	heldChecks  = 256 // locks that are looked at after a restart
)

// Held says how a service stands many locks that are held.
type Held struct {
	Locks    int
	Took     time.Duration // to acquire them all
	RSS      int64         // bytes, when all are held
	Restarts []Restart
}

// Restart is a server started again with the locks in its store.
type Restart struct {
	After string        // how it had ended
	Ready time.Duration // from the start of the process
	RSS   int64         // bytes, when ready
}

// HeldConfig says what to hold and where.
type HeldConfig struct {
	Locks       int
	Connections int
	Start       func(ctx context.Context) (*Server, error) // on the same data each time
	Connect     func(ctx context.Context, s *Server) (*nats.Conn, error)
	Progress    func(point, step string)
}

// Hold takes many locks, and restarts the server under them: once after it was
// stopped, once after it was killed.
func Hold(ctx context.Context, cfg HeldConfig) (h *Held, err error) {
	server, err := cfg.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if server != nil {
			err = errors.Join(err, server.Stop(syscall.SIGTERM))
		}
	}()
	h = &Held{Locks: cfg.Locks}
	tokens, err := h.acquire(ctx, cfg, server)
	if err != nil {
		return nil, err
	}
	if h.RSS, err = RSS(server.PID()); err != nil {
		return nil, err
	}
	for _, end := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		cfg.Progress("held locks", "restart after "+end.String())
		err := server.Stop(end)
		server = nil
		if err != nil {
			return nil, err
		}
		if server, err = cfg.Start(ctx); err != nil {
			return nil, err
		}
		if err := h.restarted(ctx, cfg, server, end, tokens); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// restarted notes how a restart went, and checks that nothing is lost.
func (h *Held) restarted(ctx context.Context, cfg HeldConfig, server *Server, end syscall.Signal, tokens []uint64) error {
	rss, err := RSS(server.PID())
	if err != nil {
		return err
	}
	h.Restarts = append(h.Restarts, Restart{After: end.String(), Ready: server.Start, RSS: rss})
	return check(ctx, cfg, server, tokens)
}

// heldName names one of the locks.
func heldName(i int) string { return fmt.Sprintf("held/%08d", i) }

// acquire takes all locks and returns their tokens.
func (h *Held) acquire(ctx context.Context, cfg HeldConfig, server *Server) ([]uint64, error) {
	lines, err := open(ctx, cfg, server)
	defer closeAll(lines)
	if err != nil {
		return nil, err
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	tokens := make([]uint64, cfg.Locks)
	start := time.Now()
	var callers sync.WaitGroup
	for k := range heldCallers {
		callers.Go(func() {
			for i := k; i < cfg.Locks && ctx.Err() == nil; i += heldCallers {
				if k == 0 {
					cfg.Progress("held locks", fmt.Sprintf("%d of %d", i, cfg.Locks))
				}
				token, err := hold(ctx, lines[k%len(lines)], i)
				if err != nil {
					fail(err)
					return
				}
				tokens[i] = token
			}
		})
	}
	callers.Wait()
	h.Took = time.Since(start)
	return tokens, context.Cause(ctx)
}

func hold(ctx context.Context, l *line, i int) (uint64, error) {
	ttl := int64(heldTTL)
	reply, _, err := l.call(ctx, service.acquire, &schema.Acquire{
		Name: heldName(i), Client: clientName, Owner: ownerName(i), Request: heldName(i), TTL: &ttl,
	})
	if err == nil && reply.Status != schema.StatusGranted {
		err = refused(schema.VerbAcquire, &reply)
	}
	return reply.Token, err
}

// check looks whether locks are held as before.
func check(ctx context.Context, cfg HeldConfig, server *Server, tokens []uint64) error {
	lines, err := open(ctx, cfg, server)
	defer closeAll(lines)
	if err != nil {
		return err
	}
	m := schema.Inspect{}
	chosen := rand.Perm(len(tokens))[:min(heldChecks, len(tokens))]
	for _, i := range chosen {
		m.Names = append(m.Names, heldName(i))
	}
	reply, _, err := lines[0].call(ctx, schema.RequestSubject(Realm, schema.VerbInspect, ""), &m)
	if err != nil {
		return err
	}
	if reply.Status != schema.StatusOK || len(reply.Locks) != len(chosen) {
		return refused(schema.VerbInspect, &reply)
	}
	for k, l := range reply.Locks {
		if len(l.Holders) != 1 || l.Holders[0].Token != tokens[chosen[k]] {
			return fmt.Errorf("after the restart %s is not held as before", l.Name)
		}
	}
	return nil
}

func open(ctx context.Context, cfg HeldConfig, server *Server) (lines []*line, err error) {
	for range cfg.Connections {
		l, err := dialLine(ctx, func(ctx context.Context) (*nats.Conn, error) { return cfg.Connect(ctx, server) })
		if err != nil {
			return lines, err
		}
		lines = append(lines, l)
	}
	return lines, nil
}

func closeAll(lines []*line) {
	for _, l := range lines {
		_ = l.close() // nothing is on its way any more
	}
}

// MarshalJSON writes durations in milliseconds.
func (h *Held) MarshalJSON() ([]byte, error) {
	type restart struct {
		After string `json:"after"`
		Ready int64  `json:"ready_ms"`
		RSS   int64  `json:"rss_bytes"`
	}
	restarts := []restart{}
	for _, r := range h.Restarts {
		restarts = append(restarts, restart{r.After, r.Ready.Milliseconds(), r.RSS})
	}
	return json.Marshal(struct {
		Locks    int       `json:"locks"`
		Took     int64     `json:"took_ms"`
		RSS      int64     `json:"rss_bytes"`
		Restarts []restart `json:"restarts"`
	}{h.Locks, h.Took.Milliseconds(), h.RSS, restarts})
}

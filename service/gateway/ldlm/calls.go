package ldlm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// answerTimeout is how long the service may take to decide what does not wait. A
// restart takes less.
const answerTimeout = 10 * time.Second

// Lock takes a lock, and waits for it.
func (s *Server) Lock(ctx context.Context, r *pb.LockRequest) (*pb.LockResponse, error) {
	c := connOf(ctx)
	end := c.limit.Wait()
	if end == nil {
		return nil, errWaiters
	}
	defer end()
	return s.lock(ctx, &c.session, lockAttempt(r))
}

// TryLock takes a lock if that can be done at once.
func (s *Server) TryLock(ctx context.Context, r *pb.TryLockRequest) (*pb.LockResponse, error) {
	return s.lock(ctx, &connOf(ctx).session, tryAttempt(r))
}

// lock makes an attempt whose lock ends with a session, unless it is to be kept.
func (s *Server) lock(ctx context.Context, by *session, a attempt) (*pb.LockResponse, error) {
	key := newKey()
	if r := a.refusal(key); r != nil {
		return r, nil
	}
	if err := open(s.gateway); err != nil {
		return nil, err
	}
	var id string
	if !s.config.Keep {
		opening, cancel := context.WithTimeout(ctx, s.patience)
		defer cancel()
		leaf, err := by.open(opening)
		if err != nil {
			return nil, failed(ctx, err)
		}
		id, a.leaf = leaf.Session(), leaf
	}
	return s.acquire(ctx, &a, key, a.acquire(key, by.address, id))
}

// acquire asks until the attempt is decided: one that waits for longer than a request
// may asks again.
func (s *Server) acquire(ctx context.Context, a *attempt, key string, m *schema.Acquire) (*pb.LockResponse, error) {
	asking, stop := s.gateway.Waiting(ctx, false)
	defer stop()
	if !a.waits {
		var cancel context.CancelFunc
		asking, cancel = context.WithTimeout(asking, s.patience)
		defer cancel()
	}
	began := time.Now()
	for round := 1; ; round++ {
		m.Wait, _ = a.waitAfter(time.Since(began), m.Session != "")
		reply, sole, err := s.gateway.AcquireIn(asking, s.config.Realm, m)
		switch {
		case err != nil:
			return nil, failed(ctx, whyGivenUp(asking, err))
		case reply.Status.OK() && (ctx.Err() != nil || !callOf(ctx).grant(func() { s.gateway.GiveUp(s.config.Realm, m) })):
			s.gateway.GiveUp(s.config.Realm, m) // nobody would learn of it
			return nil, failed(ctx, context.Canceled)
		case reply.Status == schema.StatusTimeout:
			if _, over := a.waitAfter(time.Since(began), m.Session != ""); !over {
				m.Request = key + "." + strconv.Itoa(round)
				continue
			}
		case reply.Status.OK():
			now := time.Now()
			s.lately.use(a.name, now, now.Add(inUseFor(m)))
			s.tokens.add(key, m, reply.Token, sole, a.leaf)
		}
		return a.decided(key, reply)
	}
}

// inUseFor is how long a lock may be in use that was granted now.
func inUseFor(m *schema.Acquire) time.Duration {
	if *m.TTL == 0 {
		return schema.MaxTTL * time.Millisecond
	}
	return time.Duration(*m.TTL) * time.Millisecond
}

// Unlock releases a lock.
func (s *Server) Unlock(ctx context.Context, r *pb.UnlockRequest) (*pb.UnlockResponse, error) {
	name := r.GetName()
	if nameFault(name) != nil {
		return notUnlocked(name, false), nil
	}
	g := s.tokens.take(name, r.GetKey())
	if g.release != nil {
		reply, err := s.release(ctx, r.GetKey(), g, true)
		if err != nil || reply.Status != schema.StatusNotHeld {
			return released(name, reply, err)
		}
	}
	f, err := s.find(ctx, name, r.GetKey())
	if err != nil {
		return nil, err
	}
	if f.hold == nil {
		return notUnlocked(name, f.holders > 0 || s.lately.knows(name, time.Now())), nil
	}
	reply, err := s.release(ctx, r.GetKey(), grant{release: f.release(name), leaf: g.leaf}, f.holders == 1)
	return released(name, reply, err)
}

// release ends the hold of a key, the last one of its lock or not. When nobody is told
// what came of it, its client may call again, and is told then that it is released; but
// not of a hold that may have been lost with its session, here or at another natslock.
func (s *Server) release(ctx context.Context, key string, g grant, last bool) (*schema.Reply, error) {
	reply, err := s.ask(ctx, schema.VerbRelease, g.release)
	if err != nil {
		g.tried = true
		s.tokens.keep(g.release.Name, key, g)
		return nil, err
	}
	if g.tried && g.lives() && reply.Status == schema.StatusNotHeld {
		reply.Status = schema.StatusReleased
	}
	if g.lost() {
		reply.Status = schema.StatusNotHeld // or it was, and nobody can tell
	}
	if last && reply.Status.OK() {
		s.lately.end(g.release.Name, time.Now())
	}
	return reply, nil
}

// Renew gives a lock that has a timeout another one, from now on.
func (s *Server) Renew(ctx context.Context, r *pb.RenewRequest) (*pb.LockResponse, error) {
	name, key := r.GetName(), r.GetKey()
	if refusal := renewRefusal(r); refusal != nil {
		return refusal, nil
	}
	if nameFault(name) != nil {
		return notRenewed(name, key), nil
	}
	f, err := s.find(ctx, name, key)
	if err != nil {
		return nil, err
	}
	if !f.timed() {
		return notRenewed(name, key), nil
	}
	m := f.renew(name, r.GetLockTimeoutSeconds())
	reply, err := s.ask(ctx, schema.VerbRenew, m)
	if err != nil {
		return nil, err
	}
	if reply.Status.OK() {
		now := time.Now()
		s.lately.use(name, now, now.Add(time.Duration(*m.TTL)*time.Millisecond))
	}
	return renewed(name, key, reply)
}

// find asks who holds a lock.
func (s *Server) find(ctx context.Context, name, key string) (found, error) {
	reply, err := s.ask(ctx, schema.VerbInspect, &schema.Inspect{Name: name})
	switch {
	case err != nil:
		return found{}, err
	case reply.Status != schema.StatusOK:
		return found{}, failed(ctx, fmt.Errorf("inspect: %s: %s", reply.Status, reply.Message))
	}
	return find(reply, key), nil
}

// ask makes a request that does not wait. Its error is the status of the call.
func (s *Server) ask(ctx context.Context, v schema.Verb, m schema.Message) (*schema.Reply, error) {
	if err := open(s.gateway); err != nil {
		return nil, err
	}
	asking, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	reply, err := s.gateway.Once(asking, s.config.Realm, v, m)
	if err != nil {
		return nil, failed(ctx, err)
	}
	return reply, nil
}

// whyGivenUp is why a request was given up, if it was, and else its error.
func whyGivenUp(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, client.ErrCanceled) {
		return cause
	}
	return err
}

// newKey is a random UUID.
func newKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

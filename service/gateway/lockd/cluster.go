package lockd

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
)

// SharedSuffix ends the name of the realm of shared locks, which otherwise is that of
// the exclusive ones.
const SharedSuffix = "-shared"

// noName is how the empty name is kept, which is none in the protocol: no trimmed
// name is like it.
const noName = " "

// pageSize is how many locks are asked for at once.
const pageSize = 1000

// answerTimeout is how long the service may take to decide a request. A restart takes
// less; and a client that waits for as long has mostly given up.
const answerTimeout = 10 * time.Second

// cluster is the service, as a Client sees it.
type cluster struct {
	client  *client.Client
	realms  [2]string
	timeout time.Duration
}

// Cluster returns the locks of a realm, for exclusive ones, and of the realm with the
// SharedSuffix. A connection's session is a leaf of the Client's, and its holds are
// shown as those of its address.
func Cluster(c *client.Client, realm string) Locks {
	return newCluster(c, realm, answerTimeout)
}

func newCluster(c *client.Client, realm string, timeout time.Duration) *cluster {
	return &cluster{c, [2]string{Exclusive: realm, Shared: realm + SharedSuffix}, timeout}
}

// Open begins a leaf.
func (c *cluster) Open(ctx context.Context, address string, lost func()) (Session, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	leaf, err := c.client.OpenLeaf(ctx, "")
	if err != nil {
		return nil, err
	}
	return &session{
		cluster: c, leaf: leaf, address: address, unwatch: context.AfterFunc(leaf.Context(), lost), holds: map[lockKey]held{},
	}, nil
}

// Inspect asks for one lock.
func (c *cluster) Inspect(ctx context.Context, k Kind, name string) (Lock, error) {
	reply, err := c.ok(ctx, k, schema.VerbInspect, &schema.Inspect{Name: kept(name)})
	if err != nil {
		return Lock{}, err
	}
	if len(reply.Locks) != 1 {
		return Lock{}, fmt.Errorf("inspect: %d locks in the reply", len(reply.Locks))
	}
	return lockOf(&reply.Locks[0]), nil
}

// List asks for all locks, page by page.
func (c *cluster) List(ctx context.Context, k Kind) iter.Seq2[Lock, error] {
	return func(yield func(Lock, error) bool) {
		limit := int64(pageSize)
		for m := (schema.List{Limit: &limit}); ; {
			reply, err := c.ok(ctx, k, schema.VerbList, &m)
			if err != nil {
				yield(Lock{}, err)
				return
			}
			for i := range reply.Locks {
				if !yield(lockOf(&reply.Locks[i]), nil) {
					return
				}
			}
			if m.Cursor = reply.Cursor; m.Cursor == "" {
				return
			}
		}
	}
}

// call makes a request.
func (c *cluster) call(ctx context.Context, k Kind, v schema.Verb, m schema.Message) (*schema.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.client.CallIn(ctx, c.realms[k], v, m)
}

// ok makes a request that is answered ok.
func (c *cluster) ok(ctx context.Context, k Kind, v schema.Verb, m schema.Message) (*schema.Reply, error) {
	reply, err := c.call(ctx, k, v, m)
	if err == nil && reply.Status != schema.StatusOK {
		err = refused(v, reply)
	}
	return reply, err
}

// refused is the error of a reply that is neither yes nor no.
func refused(v schema.Verb, r *schema.Reply) error {
	return fmt.Errorf("%s: %s: %s", v, r.Status, r.Message)
}

// lockKey is a lock's kind and name.
type lockKey struct {
	kind Kind
	name string
}

// session is a leaf.
type session struct {
	*cluster
	leaf    *client.Leaf
	address string
	unwatch func() bool

	// An attempt that was not granted may be yet, by a copy that is on its way, until
	// the Client has canceled it. So it must not be the same hold as the next one:
	// the owner is the leaf, and after the first such attempt the leaf and a number.
	vain  int
	holds map[lockKey]held
}

// held is what is known of a hold.
type held struct {
	owner string
	sole  string // the request by which it was granted, if nobody sends it again
}

// ID returns the leaf's id.
func (s *session) ID() string { return s.leaf.Session() }

// Acquire asks for a lock.
func (s *session) Acquire(ctx context.Context, k Kind, name string) (Grant, error) {
	key := lockKey{k, name}
	m := schema.Acquire{
		Name: kept(name), Client: s.address, Owner: s.owner(key), Session: s.leaf.Session(), Mode: schema.ModeExclusive,
	}
	if k == Shared {
		m.Mode = schema.ModeShared
	}
	reply, sole, err := s.ask(ctx, k, &m)
	if err == nil {
		switch reply.Status {
		case schema.StatusGranted, schema.StatusAlready:
			if reply.Status == schema.StatusAlready {
				sole = s.holds[key].sole // the hold is that of another attempt
			}
			s.holds[key] = held{m.Owner, sole}
			return grantOf(reply), nil
		case schema.StatusSessionExpired, schema.StatusCanceled:
			return Grant{}, ErrLost // canceled: others have left it
		case schema.StatusHeld, schema.StatusSizeMismatch:
			delete(s.holds, key)
			err = ErrHeld
		default:
			err = refused(schema.VerbAcquire, reply)
		}
	}
	s.vain++
	return Grant{}, err
}

// ask makes an acquire: see client.AcquireIn.
func (s *session) ask(ctx context.Context, k Kind, m *schema.Acquire) (*schema.Reply, string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.client.AcquireIn(ctx, s.realms[k], m)
}

// owner is who the next hold of a lock belongs to.
func (s *session) owner(key lockKey) string {
	switch h, held := s.holds[key]; {
	case held:
		return h.owner
	case s.vain > 0:
		return s.leaf.Session() + "." + strconv.Itoa(s.vain)
	}
	return s.leaf.Session()
}

func grantOf(r *schema.Reply) Grant {
	g := Grant{Token: r.Token}
	if r.Count != nil {
		g.Count = int(*r.Count)
	}
	return g
}

// Release ends a hold.
func (s *session) Release(ctx context.Context, k Kind, name string, token uint64) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	key := lockKey{k, name}
	m := schema.Release{Name: kept(name), Client: s.address, Token: token, Forget: s.holds[key].sole}
	reply, err := s.client.ReleaseIn(ctx, s.realms[k], &m)
	if err != nil {
		return err
	}
	switch reply.Status {
	case schema.StatusReleased, schema.StatusKept:
	case schema.StatusNotHeld:
		err = ErrNotHeld
	default:
		return refused(schema.VerbRelease, reply)
	}
	delete(s.holds, key)
	return err
}

// leaveTimeout is how long a session's end may take in the foreground.
const leaveTimeout = time.Second

// Leave leaves the leaf.
func (s *session) Leave() {
	s.unwatch()
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	_ = s.leaf.Leave(ctx) // it goes on until it is acknowledged
}

// kept is how a name is kept.
func kept(name string) string {
	if name == "" {
		return noName
	}
	return name
}

// lockOf is a lock as the service shows it.
func lockOf(l *schema.LockState) Lock {
	lock := Lock{Name: l.Name}
	if lock.Name == noName {
		lock.Name = ""
	}
	for _, h := range l.Holders {
		holder := Holder{Address: h.Client}
		if len(h.Sessions) > 0 {
			holder.Session = h.Sessions[0]
		}
		lock.Holders = append(lock.Holders, holder)
	}
	return lock
}

package presence

import "github.com/natslock/natslock/schema"

// Command is something that is to happen to a session. The set is closed:
// Keepalive, Leave, LeaveLeaf and Expire.
type Command interface {
	apply(r Record) (Record, schema.Reply)
}

// Step applies a command. changed says that the record returned is to be
// stored, also when it is equal: a keepalive is a write, because time counts
// from the last one. The reply's epoch is 0 for an opening: it is the revision
// of the write. It has no TTL for a keepalive that a later one overtook, which
// extends nothing: whoever times the presence knows what is left.
func Step(r Record, c Command) (after Record, reply schema.Reply, changed bool) {
	after, reply = c.apply(r)
	return after, reply, after.State != Unknown && writes(reply.Status, r, after, c)
}

// writes reports whether a command has something to store.
func writes(status schema.Status, before, after Record, c Command) bool {
	if k, ok := c.(Keepalive); ok {
		return status == schema.StatusOK && !k.late(before)
	}
	return before != after
}

// Keepalive says that a presence is alive.
type Keepalive struct {
	Client string
	Named  bool   // the caller was named by its subject: the presence must be of Client
	TTL    *int64 // milliseconds; nil leaves it as it is
	Grace  *int64 // milliseconds; nil leaves it as it is
	Server string // "" leaves the connection as it is
	CID    uint64
	Create bool
	Epoch  uint64 // the opening that is meant; 0 is any
	N      uint64 // 0 is not counted

	DefaultTTL   int64 // of an opening that names none
	DefaultGrace int64
	At           int64 // wall clock, Unix milliseconds
}

func (c Keepalive) apply(r Record) (Record, schema.Reply) {
	switch {
	case c.Named && r.State != Unknown && r.Client != c.Client:
		return r, denied()
	case c.Epoch != 0 && (r.State != Open || !means(c.Epoch, r)):
		return r, expired("this opening of it has ended, or is not known")
	case r.State == Open && c.N != 0 && c.N < r.N:
		return r, schema.Reply{Status: schema.StatusOK, Epoch: r.Epoch}
	case r.State == Open && c.late(r):
		return r, alive(r)
	case r.State == Open:
		return c.update(r)
	case !c.Create:
		return r, expired(r.State.end() + "; create opens it")
	case c.late(r) || r.State == Left && c.N == 0:
		return r, expired(r.State.end() + "; use a new id, or count its keepalives on with n")
	}
	return c.update(Record{Client: c.Client, State: Open, TTL: c.DefaultTTL, Grace: c.DefaultGrace, Opened: c.At})
}

// late reports whether c, or a later keepalive, has come already.
func (c Keepalive) late(r Record) bool { return c.N != 0 && c.N <= r.N }

// update is r after c.
func (c Keepalive) update(r Record) (Record, schema.Reply) {
	opens := r.Epoch == 0
	ttl, grace := r.TTL, r.Grace
	if c.TTL != nil {
		r.TTL = *c.TTL
	}
	if c.Grace != nil {
		r.Grace = *c.Grace
	}
	if !opens && (r.TTL != ttl || r.Grace != grace) {
		r.Change++
	}
	if r.Told = c.Server != ""; r.Told {
		r.Server, r.CID = c.Server, c.CID
	}
	r.N = max(r.N, c.N)
	return r, alive(r)
}

// Leave ends a presence at its caller's wish.
type Leave struct {
	Client string
	Named  bool
	Epoch  uint64 // the opening that is meant; 0 is any
}

func (c Leave) apply(r Record) (Record, schema.Reply) {
	if c.Named && r.State != Unknown && r.Client != c.Client {
		return r, denied()
	}
	if r.State == Open && means(c.Epoch, r) {
		r.State = Left
	}
	return r, schema.Reply{Status: schema.StatusOK}
}

// means reports whether an epoch that a caller gave is that of r, or none.
func means(epoch uint64, r Record) bool { return epoch == 0 || epoch == r.Epoch }

// LeaveLeaf writes down that a leaf of Presence, which is open, has left.
type LeaveLeaf struct{ Presence Record }

func (c LeaveLeaf) apply(r Record) (Record, schema.Reply) {
	if r.State == Unknown || r.Epoch != c.Presence.Epoch {
		r = Record{Client: c.Presence.Client, Epoch: c.Presence.Epoch, State: Left}
	}
	return r, schema.Reply{Status: schema.StatusOK}
}

// Expire ends a presence of which nothing was heard.
type Expire struct{ State State } // Silent or Disconnected

func (c Expire) apply(r Record) (Record, schema.Reply) {
	if r.State == Open {
		r.State = c.State
	}
	return r, schema.Reply{Status: schema.StatusOK}
}

// alive answers a keepalive.
func alive(r Record) schema.Reply {
	ttl := r.TTL
	return schema.Reply{Status: schema.StatusOK, TTL: &ttl, Epoch: r.Epoch}
}

func denied() schema.Reply {
	return refusal(schema.StatusDenied, "session: it is another client's")
}

// expired refuses what needs another opening.
func expired(why string) schema.Reply {
	return refusal(schema.StatusSessionExpired, "session: "+why)
}

func refusal(s schema.Status, message string) schema.Reply {
	return schema.Reply{Status: s, Message: message}
}

// Admit reports whether an acquire for the session may go on: its presence is
// open, and of the client that the subject names, if named is set, and the leaf
// has not left. The reply of one that may not is not nil.
func Admit(presence, leaf Record, client string, named bool) *schema.Reply {
	switch {
	case named && presence.State != Unknown && presence.Client != client:
		return new(denied())
	case presence.State == Left || presence.State == Open && leaf.State == Left && leaf.Epoch == presence.Epoch:
		return new(refusal(schema.StatusCanceled, "session: "+Left.end()))
	case presence.State != Open:
		return new(expired(presence.State.end()))
	}
	return nil
}

package schema

// The fields of every message, in the order in which they are written.

// maxObjects bounds the holders, waiters and locks of a reply together: more
// than a reply of MaxReply bytes can name.
const maxObjects = 1 << 15

func (m *Acquire) fields(c *codec) {
	c.text("name", &m.Name)
	c.texts("names", &m.Names, MaxNames)
	c.text("client", &m.Client)
	c.text("owner", &m.Owner)
	c.text("session", &m.Session)
	c.text("request", &m.Request)
	c.text("mode", (*string)(&m.Mode))
	c.whole("size", &m.Size)
	c.optionalWhole("ttl_ms", &m.TTL)
	c.whole("wait_ms", &m.Wait)
	c.meta("meta", &m.Meta)
	c.flag("fresh", &m.Fresh)
}

func (m *Release) fields(c *codec) {
	c.text("name", &m.Name)
	c.texts("names", &m.Names, MaxNames)
	objects(c, "locks", &m.Locks, MaxNames)
	c.text("client", &m.Client)
	c.text("owner", &m.Owner)
	c.token(&m.Token)
	c.text("session", &m.Session)
	c.flag("show", &m.Show)
	c.text("forget", &m.Forget)
}

func (l *LockToken) parts(c *codec) {
	c.text("name", &l.Name)
	c.token(&l.Token)
}

func (m *Renew) fields(c *codec) {
	c.text("name", &m.Name)
	c.text("client", &m.Client)
	c.token(&m.Token)
	c.optionalWhole("ttl_ms", &m.TTL)
}

func (m *Cancel) fields(c *codec) {
	c.text("name", &m.Name)
	c.text("client", &m.Client)
	c.text("request", &m.Request)
}

func (m *Inspect) fields(c *codec) {
	c.text("name", &m.Name)
	c.texts("names", &m.Names, MaxInspect)
	c.text("client", &m.Client)
}

func (m *List) fields(c *codec) {
	c.text("prefix", &m.Prefix)
	c.text("holder", &m.Holder)
	c.text("session", &m.Session)
	c.text("client", &m.Client)
	c.optionalWhole("limit", &m.Limit)
	c.text("cursor", &m.Cursor)
	c.flag("sessions", &m.Sessions)
}

func (m *Keepalive) fields(c *codec) {
	c.text("session", &m.Session)
	c.text("client", &m.Client)
	c.optionalWhole("ttl_ms", &m.TTL)
	c.flag("create", &m.Create)
	c.text("server", &m.Server)
	c.optionalUnsigned("cid", &m.CID)
	c.optionalWhole("grace_ms", &m.Grace)
	c.unsigned("epoch", &m.Epoch)
	c.unsigned("n", &m.N)
}

func (m *Leave) fields(c *codec) {
	c.text("session", &m.Session)
	c.text("client", &m.Client)
	c.unsigned("epoch", &m.Epoch)
}

func (m *Force) fields(c *codec) {
	c.text("name", &m.Name)
	c.text("client", &m.Client)
	c.token(&m.Token)
	c.text("reason", &m.Reason)
}

func (m *Reply) fields(c *codec) {
	c.text("status", (*string)(&m.Status))
	c.text("message", &m.Message)
	c.text("name", &m.Name)
	c.unsigned("token", &m.Token)
	c.text("owner", &m.Owner)
	c.optionalWhole("ttl_ms", &m.TTL)
	c.optionalWhole("count", &m.Count)
	objects(c, "holders", &m.Holders, maxObjects)
	results(c, "locks", &m.Locks, maxObjects)
	c.text("cursor", &m.Cursor)
	c.unsigned("epoch", &m.Epoch)
	results(c, "sessions", &m.Sessions, maxObjects)
}

func (s *SessionState) parts(c *codec) {
	c.text("session", &s.Session)
	c.text("client", &s.Client)
	c.whole("ttl_ms", &s.TTL)
	c.whole("grace_ms", &s.Grace)
	c.optionalWhole("expires_in_ms", &s.ExpiresIn)
	c.whole("holds", &s.Holds)
	c.whole("waiters", &s.Waiters)
	c.time("opened_at", &s.OpenedAt)
}

func (l *LockState) parts(c *codec) {
	c.text("name", &l.Name)
	c.unsigned("token", &l.Token)
	c.text("status", (*string)(&l.Status))
	c.optionalFlag("held", &l.Held)
	c.text("mode", (*string)(&l.Mode))
	c.whole("size", &l.Size)
	objects(c, "holders", &l.Holders, maxObjects)
	objects(c, "waiters", &l.Waiters, maxObjects)
}

func (h *Holder) parts(c *codec) {
	c.text("owner", &h.Owner)
	c.text("client", &h.Client)
	c.texts("sessions", &h.Sessions, maxObjects)
	c.unsigned("token", &h.Token)
	c.whole("ttl_ms", &h.TTL)
	c.optionalWhole("expires_in_ms", &h.ExpiresIn)
	c.time("granted_at", &h.GrantedAt)
	c.meta("meta", &h.Meta)
}

func (w *Waiter) parts(c *codec) {
	c.text("owner", &w.Owner)
	c.text("client", &w.Client)
	c.text("session", &w.Session)
	c.text("mode", (*string)(&w.Mode))
	c.time("queued_at", &w.QueuedAt)
	c.meta("meta", &w.Meta)
}

func (m *Event) fields(c *codec) {
	c.text("type", (*string)(&m.Type))
	c.text("realm", &m.Realm)
	c.text("name", &m.Name)
	c.text("client", &m.Client)
	c.text("owner", &m.Owner)
	c.text("session", &m.Session)
	c.unsigned("token", &m.Token)
	c.text("mode", (*string)(&m.Mode))
	c.text("reason", &m.Reason)
	c.optionalWhole("waited_ms", &m.Waited)
	c.optionalWhole("held_ms", &m.Held)
	c.time("at", &m.At)
}

func (*Acquire) bound() int   { return MaxRequest }
func (*Release) bound() int   { return MaxRequest }
func (*Renew) bound() int     { return MaxRequest }
func (*Cancel) bound() int    { return MaxRequest }
func (*Inspect) bound() int   { return MaxRequest }
func (*List) bound() int      { return MaxRequest }
func (*Keepalive) bound() int { return MaxRequest }
func (*Leave) bound() int     { return MaxRequest }
func (*Force) bound() int     { return MaxRequest }
func (*Reply) bound() int     { return MaxReply }
func (*Event) bound() int     { return MaxRequest }

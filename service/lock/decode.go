package lock

import (
	"encoding/binary"

	"github.com/natslock/natslock/schema"
)

// Decode reads a record that Append wrote and that was stored at revision, and
// seals it. Nothing of value is kept. Errors: ErrNewerVersion, ErrDamaged.
func Decode(value []byte, revision uint64) (Record, error) {
	d := decoder{rest: string(value)}
	d.version = d.byte()
	switch v := d.version; {
	case v > versionTerms:
		return Record{}, ErrNewerVersion
	case v < version || revision == 0 || revision > maxRevision:
		return Record{}, ErrDamaged
	}
	r := d.record()
	if d.damaged || d.rest != "" || r.version() != d.version {
		return Record{}, ErrDamaged
	}
	return r.Seal(revision), nil
}

// decoder takes values off the front of rest. Once it is damaged, every value
// is zero.
type decoder struct {
	rest    string
	version byte
	damaged bool
}

func (d *decoder) damage() {
	d.rest, d.damaged = "", true
}

func (d *decoder) take(n uint64) string {
	if n > uint64(len(d.rest)) {
		d.damage()
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) byte() byte {
	if s := d.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (d *decoder) number() uint64 {
	n, shift := uint64(0), 0
	for {
		b := d.byte()
		if shift == 63 && b > 1 {
			d.damage()
			return 0
		}
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
		shift += 7
	}
}

func (d *decoder) int() int64 { return int64(d.number()) }

// count is the length of a list whose elements take at least size bytes each:
// no count makes the decoder reserve more than the rest can hold.
func (d *decoder) count(size int) int {
	n := d.number()
	if n > uint64(len(d.rest)/size) {
		d.damage()
		return 0
	}
	return int(n)
}

func (d *decoder) text() string { return d.take(d.number()) }

func (d *decoder) attempt() Attempt {
	s := d.take(attemptBytes)
	if s == "" {
		return 0
	}
	return Attempt(binary.LittleEndian.Uint64([]byte(s)))
}
func (d *decoder) meta() schema.Meta {
	if s := d.text(); s != "" {
		return schema.Meta(s)
	}
	return nil
}

func (d *decoder) inbox() Inbox {
	encoding := schema.Encoding(d.byte())
	return Inbox{Subject: d.text(), Encoding: encoding}
}

// session reads a session of a client's, behind which may be who opened it.
func (d *decoder) session(client string, opener bool) Session {
	s := Session{ID: d.text(), Epoch: d.number(), TTL: d.int(), Grace: d.int()}
	if d.version >= versionTerms {
		s.Change, s.N = d.number(), d.number()
	}
	switch {
	case opener:
		if s.Client = d.text(); len(s.Client) > schema.MaxClient {
			d.damage()
		}
	case s.ID != "":
		s.Client = client
	}
	return s
}

// list reads a list of elements that take at least size bytes each. The empty
// list is nil.
func list[T any](d *decoder, size int, element func() T) []T {
	n := d.count(size)
	if n == 0 {
		return nil
	}
	l := make([]T, n)
	for i := range l {
		l[i] = element()
	}
	return l
}

func (d *decoder) record() Record {
	mode := d.byte()
	if int(mode) >= len(modes) {
		d.damage()
		return Record{}
	}
	r := Record{
		Mode:    modes[mode],
		Size:    d.int(),
		Arrived: d.number(),
		Holds:   list(d, minHold, d.hold),
		Waiters: list(d, minWaiter, d.queued),
		Sets:    list(d, minSet, d.set),
		Ended:   d.ends(),
	}
	if (mode == 0) != (len(r.Holds) == 0) {
		d.damage()
	}
	return r
}

// The fewest bytes that an element of a list takes.
const (
	minHold    = 8 + attemptBytes
	minWaiter  = 6
	minSet     = minWaiter + 1
	minSession = 4
	minText    = 1
)

func (d *decoder) hold() Hold {
	flags, client := d.byte(), d.text()
	openers := flags&holdOpeners != 0
	h := Hold{
		Client:    client,
		Owner:     d.text(),
		Token:     Token(d.number()),
		Renewed:   d.number(),
		TTL:       d.int(),
		Sessions:  list(d, minSession, func() Session { return d.session(client, openers) }),
		Meta:      d.meta(),
		GrantedAt: d.int(),
		Attempts:  list(d, attemptBytes, d.attempt),
	}
	if flags&holdRepeats != 0 {
		h.Repeats, h.Unheard = d.byte(), d.byte()
		if h.Repeats == 0 {
			d.damage()
		}
	}
	if len(h.Attempts) == 0 || h.Token > schema.MaxToken || flags >= holdOpeners<<1 || openers != h.hasOpeners() || !h.counts() {
		d.damage()
		return Hold{}
	}
	if flags&holdWaited != 0 {
		w := d.waiter(h.sketch())
		h.Waited = &w
	}
	if flags&holdNames != 0 {
		h.Lead, h.Names = d.text(), d.names()
	}
	return h
}

func (d *decoder) names() []string { return list(d, minText, d.text) }

func (d *decoder) queued() Waiter { return d.waiter(Waiter{}) }

func (d *decoder) set() Set { return Set{Waiter: d.queued(), Names: d.names()} }

func (d *decoder) ends() Ends {
	e := Ends(d.take(uint64(d.count(endedBytes) * endedBytes)))
	if !e.known() {
		d.damage()
		return ""
	}
	return e
}

// waiter reads a waiter by its sketch.
func (d *decoder) waiter(w Waiter) Waiter {
	flags := d.byte()
	w.Mode = schema.ModeExclusive
	if flags&waiterShared != 0 {
		w.Mode = schema.ModeShared
	}
	w.DefaultTTL = flags&waiterDefault != 0
	w.Parked = flags&waiterParked != 0
	w.Arrival = d.number()
	w.Size = d.int()
	w.TTL = d.int()
	w.Wait = d.int() - 1
	w.QueuedAt = d.int()
	if flags&waiterIdentity != 0 {
		w.Attempt, w.Client, w.Owner = d.attempt(), d.text(), d.text()
	}
	if flags&waiterSession != 0 {
		w.Session = d.session(w.Client, flags&waiterOpener != 0)
	}
	if flags&waiterOpener != 0 && (flags&waiterSession == 0 || w.Session.isOf(w.Client)) {
		d.damage()
	}
	if flags&waiterMeta != 0 {
		w.Meta = d.meta()
	}
	if flags&waiterInbox != 0 {
		w.Inbox = d.inbox()
	}
	return w
}

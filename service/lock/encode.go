package lock

import (
	"encoding/binary"
	"slices"

	"github.com/natslock/natslock/schema"
)

// Append appends the encoded record to dst.
func (r Record) Append(dst []byte) []byte {
	e := encoder{dst}
	e.byte(version)
	e.byte(byte(slices.Index(modes[:], r.Mode)))
	e.number(uint64(r.Size))
	e.number(r.Arrived)
	e.number(uint64(len(r.Holds)))
	for i := range r.Holds {
		e.hold(&r.Holds[i])
	}
	e.number(uint64(len(r.Waiters)))
	for i := range r.Waiters {
		e.waiter(&r.Waiters[i], &Waiter{})
	}
	e.number(uint64(len(r.Sets)))
	for i := range r.Sets {
		e.waiter(&r.Sets[i].Waiter, &Waiter{})
		e.names(r.Sets[i].Names)
	}
	e.number(uint64(len(r.Ended)))
	for i := range r.Ended {
		e.attempt(r.Ended[i].Attempt)
		e.byte(byte(r.Ended[i].End))
	}
	return e.dst
}

// encoder appends to dst.
type encoder struct{ dst []byte }

func (e *encoder) byte(b byte)       { e.dst = append(e.dst, b) }
func (e *encoder) number(n uint64)   { e.dst = binary.AppendUvarint(e.dst, n) }
func (e *encoder) signed(n int64)    { e.dst = binary.AppendVarint(e.dst, n) }
func (e *encoder) attempt(a Attempt) { e.dst = binary.LittleEndian.AppendUint64(e.dst, uint64(a)) }

func (e *encoder) text(s string) {
	e.number(uint64(len(s)))
	e.dst = append(e.dst, s...)
}

func (e *encoder) names(names []string) {
	e.number(uint64(len(names)))
	for _, name := range names {
		e.text(name)
	}
}

func (e *encoder) meta(m schema.Meta) {
	e.number(uint64(len(m)))
	e.dst = append(e.dst, m...)
}

func (e *encoder) inbox(i Inbox) {
	e.byte(byte(i.Encoding))
	e.text(i.Subject)
}

func (e *encoder) session(s *Session) {
	e.text(s.ID)
	e.number(s.Epoch)
	e.number(uint64(s.TTL))
	e.number(uint64(s.Grace))
}

func (e *encoder) hold(h *Hold) {
	flags := byte(0)
	if h.Waited != nil {
		flags |= holdWaited
	}
	if h.Lead != "" || len(h.Names) > 0 {
		flags |= holdNames
	}
	e.byte(flags)
	e.text(h.Client)
	e.text(h.Owner)
	e.number(uint64(h.Token))
	e.number(h.Renewed)
	e.number(uint64(h.TTL))
	e.number(uint64(len(h.Sessions)))
	for i := range h.Sessions {
		e.session(&h.Sessions[i])
	}
	e.meta(h.Meta)
	e.signed(h.GrantedAt)
	e.number(uint64(len(h.Attempts)))
	for _, a := range h.Attempts {
		e.attempt(a)
	}
	e.inbox(h.Inbox)
	if flags&holdWaited != 0 {
		sketch := h.sketch()
		e.waiter(h.Waited, &sketch)
	}
	if flags&holdNames != 0 {
		e.text(h.Lead)
		e.names(h.Names)
	}
}

// waiter appends what w has besides sketch.
func (e *encoder) waiter(w, sketch *Waiter) {
	flags := w.differs(sketch)
	if w.Mode == schema.ModeShared {
		flags |= waiterShared
	}
	if w.DefaultTTL {
		flags |= waiterDefault
	}
	if w.Parked {
		flags |= waiterParked
	}
	e.byte(flags)
	e.number(w.Arrival)
	e.number(uint64(w.Size))
	e.number(uint64(w.TTL))
	e.signed(w.Wait)
	e.signed(w.QueuedAt)
	if flags&waiterIdentity != 0 {
		e.attempt(w.Attempt)
		e.text(w.Client)
		e.text(w.Owner)
	}
	if flags&waiterSession != 0 {
		e.session(&w.Session)
	}
	if flags&waiterMeta != 0 {
		e.meta(w.Meta)
	}
	if flags&waiterInbox != 0 {
		e.inbox(w.Inbox)
	}
}

package lock

import (
	"encoding/binary"
	"slices"

	"github.com/natslock/natslock/schema"
)

// Append appends the encoded record to dst.
func (r Record) Append(dst []byte) []byte {
	v := r.version()
	dst = append(dst, v, byte(slices.Index(modes[:], r.Mode)))
	dst = appendInt(dst, r.Size)
	dst = binary.AppendUvarint(dst, r.Arrived)
	dst = appendLen(dst, len(r.Holds))
	for i := range r.Holds {
		dst = r.Holds[i].append(dst, v)
	}
	dst = appendLen(dst, len(r.Waiters))
	for i := range r.Waiters {
		dst = r.Waiters[i].append(dst, &Waiter{}, v)
	}
	dst = appendLen(dst, len(r.Sets))
	for i := range r.Sets {
		dst = r.Sets[i].Waiter.append(dst, &Waiter{}, v)
		dst = appendNames(dst, r.Sets[i].Names)
	}
	return append(appendLen(dst, r.Ended.Len()), r.Ended...)
}

func (h *Hold) append(dst []byte, v byte) []byte {
	flags := byte(0)
	if h.Waited != nil {
		flags |= holdWaited
	}
	if h.Lead != "" || len(h.Names) > 0 {
		flags |= holdNames
	}
	if h.Repeats > 0 {
		flags |= holdRepeats
	}
	if h.hasOpeners() {
		flags |= holdOpeners
	}
	dst = append(dst, flags)
	dst = appendText(dst, h.Client)
	dst = appendText(dst, h.Owner)
	dst = binary.AppendUvarint(dst, uint64(h.Token))
	dst = binary.AppendUvarint(dst, h.Renewed)
	dst = appendInt(dst, h.TTL)
	dst = appendLen(dst, len(h.Sessions))
	for i := range h.Sessions {
		dst = h.Sessions[i].append(dst, v, flags&holdOpeners != 0)
	}
	dst = appendText(dst, h.Meta)
	dst = appendInt(dst, h.GrantedAt)
	dst = appendLen(dst, len(h.Attempts))
	for _, a := range h.Attempts {
		dst = appendAttempt(dst, a)
	}
	if flags&holdRepeats != 0 {
		dst = append(dst, h.Repeats, h.Unheard)
	}
	if flags&holdWaited != 0 {
		sketch := h.sketch()
		dst = h.Waited.append(dst, &sketch, v)
	}
	if flags&holdNames != 0 {
		dst = appendText(dst, h.Lead)
		dst = appendNames(dst, h.Names)
	}
	return dst
}

// append appends what w has besides its sketch.
func (w *Waiter) append(dst []byte, sketch *Waiter, v byte) []byte {
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
	dst = append(dst, flags)
	dst = binary.AppendUvarint(dst, w.Arrival)
	dst = appendInt(dst, w.Size)
	dst = appendInt(dst, w.TTL)
	dst = appendInt(dst, w.Wait+1) // WaitForever is -1
	dst = appendInt(dst, w.QueuedAt)
	if flags&waiterIdentity != 0 {
		dst = appendAttempt(dst, w.Attempt)
		dst = appendText(dst, w.Client)
		dst = appendText(dst, w.Owner)
	}
	if flags&waiterSession != 0 {
		dst = w.Session.append(dst, v, flags&waiterOpener != 0)
	}
	if flags&waiterMeta != 0 {
		dst = appendText(dst, w.Meta)
	}
	if flags&waiterInbox != 0 {
		dst = w.Inbox.append(dst)
	}
	return dst
}

func (s *Session) append(dst []byte, v byte, opener bool) []byte {
	dst = appendText(dst, s.ID)
	dst = binary.AppendUvarint(dst, s.Epoch)
	dst = appendInt(dst, s.TTL)
	dst = appendInt(dst, s.Grace)
	if v >= versionTerms {
		dst = binary.AppendUvarint(dst, s.Change)
		dst = binary.AppendUvarint(dst, s.N)
	}
	if opener {
		dst = appendText(dst, s.Client)
	}
	return dst
}

func (i *Inbox) append(dst []byte) []byte {
	return appendText(append(dst, byte(i.Encoding)), i.Subject)
}

func appendNames(dst []byte, names []string) []byte {
	dst = appendLen(dst, len(names))
	for _, name := range names {
		dst = appendText(dst, name)
	}
	return dst
}

func appendText[T string | schema.Meta](dst []byte, s T) []byte {
	return append(appendLen(dst, len(s)), s...)
}

func appendAttempt(dst []byte, a Attempt) []byte {
	return binary.LittleEndian.AppendUint64(dst, uint64(a))
}

func appendLen(dst []byte, n int) []byte { return binary.AppendUvarint(dst, uint64(n)) }

// appendInt appends a number that is hardly ever negative.
func appendInt(dst []byte, n int64) []byte { return binary.AppendUvarint(dst, uint64(n)) }

package lock

import (
	"fmt"
	"slices"
	"strings"

	"github.com/natslock/natslock/schema"
)

// reference is a lock told as simply as possible: who holds it and who waits,
// as lines of text. It decides anew, by trying, what the core decides with
// care; it knows nothing of tokens, TTLs, meta and bounds.
type reference struct {
	holds []refHold
	queue []refWait
	over  map[Attempt]schema.Status
	log   []string // what waiting attempts are told
}

type refHold struct {
	who      string
	kind     string // mode and size
	attempts []Attempt
	sessions []string // with epochs
	was      *refWait // before it was granted
	told     int      // how often that it was granted
	open     []int    // which of these answers somebody may have heard
	sure     bool     // nothing undoes it
	foreign  bool     // part of a grant of several names
}

type refWait struct {
	attempt Attempt
	who     string
	kind    string
	session string
	inbox   Inbox
	arrival uint64
	parked  bool
}

func kindOf(m schema.Mode, size int64) string { return fmt.Sprint(m, "/", size) }

func sessionOf(s Session) string {
	if s.ID == "" {
		return ""
	}
	return fmt.Sprint(s.ID, "@", s.Epoch)
}

func refWaitOf(w Waiter) refWait {
	return refWait{w.Attempt, w.Client + ":" + w.Owner, kindOf(w.Mode, w.Size), sessionOf(w.Session), w.Inbox, w.Arrival, w.Parked}
}

// referenceOf tells a record.
func referenceOf(r Record) *reference {
	f := &reference{over: map[Attempt]schema.Status{}}
	for _, h := range r.Holds {
		hold := refHold{
			who: h.Client + ":" + h.Owner, kind: kindOf(r.Mode, r.Size), attempts: h.Attempts,
			told: int(h.Repeats) + 1, sure: h.Repeats == MaxRepeats, foreign: h.Lead != "",
		}
		for k := range hold.told {
			if !hold.sure && h.Unheard>>k&1 == 0 {
				hold.open = append(hold.open, k)
			}
		}
		for _, s := range h.Sessions {
			hold.sessions = append(hold.sessions, sessionOf(s))
		}
		if h.Waited != nil {
			was := refWaitOf(*h.Waited)
			hold.was = &was
		}
		f.holds = append(f.holds, hold)
	}
	for _, w := range r.Waiters {
		f.queue = append(f.queue, refWaitOf(w))
	}
	for e := range r.Ended.All() {
		f.over[e.Attempt] = map[End]schema.Status{
			EndTimeout: schema.StatusTimeout, EndCanceled: schema.StatusCanceled, EndHold: schema.StatusNotHeld,
			EndExpired: schema.StatusSessionExpired, EndMismatch: schema.StatusSizeMismatch,
		}[e.End]
	}
	return f
}

// lines is what a reference and a record are compared by.
func (f *reference) lines() string {
	var b strings.Builder
	for _, h := range f.holds {
		fmt.Fprintln(&b, "holds", h.who, h.kind, h.attempts, h.sessions, h.open, h.sure)
	}
	for _, w := range f.queue {
		fmt.Fprintln(&b, "waits", w.who, w.kind, w.attempt, w.session, w.inbox, w.parked)
	}
	over := []string{}
	for a, s := range f.over {
		over = append(over, fmt.Sprint(a, " ", s))
	}
	slices.Sort(over)
	return b.String() + strings.Join(over, "\n")
}

// legal reports whether holds of these kinds may be together.
func legal(kinds []string) bool {
	for _, k := range kinds {
		size := 0
		if n, _ := fmt.Sscanf(k, "shared/%d", &size); n == 0 {
			size = 1
		}
		if k != kinds[0] || size > 0 && len(kinds) > size {
			return false
		}
	}
	return true
}

func (f *reference) kinds() (kinds []string) {
	for _, h := range f.holds {
		kinds = append(kinds, h.kind)
	}
	return kinds
}

// clash reports whether kind is shared, and the lock in use with another size.
func (f *reference) clash(kind string) bool {
	return len(f.holds) > 0 && strings.HasPrefix(kind, "shared") && strings.HasPrefix(f.holds[0].kind, "shared") && f.holds[0].kind != kind
}

func (f *reference) holder(who string) *refHold {
	for i := range f.holds {
		if f.holds[i].who == who {
			return &f.holds[i]
		}
	}
	return nil
}

func (f *reference) tell(w refWait, s schema.Status) {
	f.log = append(f.log, fmt.Sprint(w.attempt, w.inbox, s))
}

// turns lets in and sends away until nobody's turn is left.
func (f *reference) turns() {
	for f.turn() {
	}
}

func (f *reference) turn() bool {
	for i, w := range f.queue {
		h := f.holder(w.who)
		if w.parked || h == nil {
			continue
		}
		f.queue = slices.Delete(f.queue, i, i+1)
		f.tell(w, f.join(h, w))
		return true
	}
	for i, w := range f.queue {
		if w.parked {
			continue
		}
		switch {
		case f.clash(w.kind):
			f.over[w.attempt] = schema.StatusSizeMismatch
			f.tell(w, schema.StatusSizeMismatch)
		case legal(append(f.kinds(), w.kind)):
			f.let(w, &w)
			f.tell(w, schema.StatusGranted)
		default:
			return false
		}
		f.queue = slices.Delete(f.queue, i, i+1)
		return true
	}
	return false
}

// let makes w a holder.
func (f *reference) let(w refWait, was *refWait) {
	h := refHold{who: w.who, kind: w.kind, attempts: []Attempt{w.attempt}, was: was, told: 1, open: []int{0}}
	if w.session != "" {
		h.sessions = []string{w.session}
	}
	f.holds = append(f.holds, h)
}

// join makes w part of its owner's hold.
func (f *reference) join(h *refHold, w refWait) schema.Status {
	if h.kind != w.kind {
		if w.arrival > 0 {
			f.over[w.attempt] = schema.StatusSizeMismatch
		}
		return schema.StatusSizeMismatch
	}
	h.attempts = append(slices.Clone(h.attempts), w.attempt)
	h.was, h.open, h.sure = nil, nil, true
	if w.session == "" {
		return schema.StatusAlready
	}
	id, _, _ := strings.Cut(w.session, "@")
	h.sessions = slices.Clone(h.sessions)
	for i, s := range h.sessions {
		if strings.HasPrefix(s, id+"@") {
			h.sessions[i] = w.session
			return schema.StatusAlready
		}
	}
	h.sessions = append(h.sessions, w.session)
	return schema.StatusAlready
}

// end ends the holds that are meant.
func (f *reference) end(meant func(h refHold) bool) (ended int) {
	f.holds = slices.DeleteFunc(f.holds, func(h refHold) bool {
		if !meant(h) {
			return false
		}
		for _, a := range h.attempts {
			f.over[a] = schema.StatusNotHeld
		}
		ended++
		return true
	})
	return ended
}

// dismiss ends the waits that are meant.
func (f *reference) dismiss(s schema.Status, meant func(w refWait) bool) (ended int) {
	f.queue = slices.DeleteFunc(f.queue, func(w refWait) bool {
		if !meant(w) {
			return false
		}
		f.over[w.attempt] = s
		f.tell(w, s)
		ended++
		return true
	})
	return ended
}

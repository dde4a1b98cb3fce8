package lock

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/natslock/natslock/schema"
)

// broken names the first invariant of doc.go that a record breaks by itself.
func broken(r Record) error {
	for i, check := range []func(Record) error{
		1: brokenExclusive, 2: brokenSize, 3: brokenCommon, 4: brokenTokens, 5: brokenTurn,
		6: brokenOrder, 8: brokenPlaces, 9: brokenOwners, 10: brokenEnds, 14: brokenBounds, 19: brokenFree,
	} {
		if check == nil {
			continue
		}
		if err := check(r); err != nil {
			return fmt.Errorf("invariant %d: %w", i, err)
		}
	}
	return nil
}

func brokenExclusive(r Record) error {
	if r.Mode == schema.ModeExclusive && len(r.Holds) > 1 {
		return fmt.Errorf("%d exclusive holds", len(r.Holds))
	}
	return nil
}

func brokenSize(r Record) error {
	if r.Size > 0 && int64(len(r.Holds)) > r.Size {
		return fmt.Errorf("%d holds of size %d", len(r.Holds), r.Size)
	}
	return nil
}

func brokenCommon(r Record) error {
	free, modeless := len(r.Holds) == 0, r.Mode == ""
	if free != modeless || (free || r.Mode == schema.ModeExclusive) && r.Size != 0 {
		return fmt.Errorf("%d holds, mode %q, size %d", len(r.Holds), r.Mode, r.Size)
	}
	return nil
}

// rank orders tokens by the time of their grants: what is not sealed yet was
// granted last.
func rank(t Token) Token {
	if t.Sealed() {
		return t
	}
	return math.MaxUint64 - MaxGrants + t
}

func brokenTokens(r Record) error {
	last := Token(0)
	for _, h := range r.Holds {
		if rank(h.Token) <= last {
			return fmt.Errorf("token %d is not above %d", h.Token, last)
		}
		last = rank(h.Token)
	}
	return nil
}

func brokenTurn(r Record) error {
	i := slices.IndexFunc(r.Waiters, func(w Waiter) bool { return !w.Parked })
	if i < 0 {
		return nil
	}
	w, free := r.Waiters[i], len(r.Holds) == 0
	together := r.Mode == schema.ModeShared && w.Mode == schema.ModeShared
	if together && w.Size != r.Size {
		return fmt.Errorf("the next waiter is for another size: %+v", w)
	}
	fits := free || together && (r.Size == 0 || int64(len(r.Holds)) < r.Size)
	if r.Promotable() != fits || fits && r.granted < MaxGrants {
		return fmt.Errorf("promotable %v, but the next waiter fits %v: %+v", r.Promotable(), fits, w)
	}
	return nil
}

func brokenOrder(r Record) error {
	last := uint64(0)
	for _, w := range r.Waiters {
		if w.Arrival <= last || w.Arrival > r.Arrived {
			return fmt.Errorf("arrival %d after %d, of %d", w.Arrival, last, r.Arrived)
		}
		last = w.Arrival
	}
	return nil
}

func brokenPlaces(r Record) error {
	seen := map[Attempt]Place{}
	see := func(a Attempt, p Place) error {
		if a == 0 || seen[a] != Nowhere {
			return fmt.Errorf("attempt %x in %d and %d", a, seen[a], p)
		}
		seen[a] = p
		return nil
	}
	for _, h := range r.Holds {
		if len(h.Attempts) == 0 {
			return fmt.Errorf("hold of %q without an attempt", h.Owner)
		}
		for _, a := range h.Attempts {
			if err := see(a, InHold); err != nil {
				return err
			}
		}
	}
	for _, w := range r.Waiters {
		if err := see(w.Attempt, InWaiters); err != nil {
			return err
		}
	}
	for _, s := range r.Sets {
		if err := see(s.Attempt, InSets); err != nil {
			return err
		}
	}
	for e := range r.Ended.All() {
		if err := see(e.Attempt, InEnded); err != nil {
			return err
		}
	}
	return nil
}

func brokenOwners(r Record) error {
	seen := map[[2]string]bool{}
	for _, h := range r.Holds {
		who := [2]string{h.Client, h.Owner}
		if seen[who] {
			return fmt.Errorf("two holds of %q", who)
		}
		seen[who] = true
	}
	for _, w := range r.Waiters {
		if who := [2]string{w.Client, w.Owner}; !w.Parked && seen[who] {
			return fmt.Errorf("%q holds and waits", who)
		}
	}
	return nil
}

func brokenEnds(r Record) error {
	for _, h := range r.Holds {
		if h.TTL == 0 && len(h.Sessions) == 0 {
			return fmt.Errorf("hold of %q has neither TTL nor session", h.Owner)
		}
	}
	return nil
}

func brokenBounds(r Record) error {
	if n := len(r.Holds) + len(r.Waiters) + len(r.Sets); n > MaxEntries {
		return fmt.Errorf("%d entries", n)
	}
	size, weight := len(r.Append(nil)), r.weight()
	if size > weight || weight > MaxBytes {
		return fmt.Errorf("%d bytes, weight %d", size, weight)
	}
	if r.Ended.Len() > MaxEnded || r.granted > MaxGrants {
		return fmt.Errorf("%d ended, %d granted", r.Ended.Len(), r.granted)
	}
	for _, h := range r.Holds {
		if len(h.Attempts) > MaxAttempts || len(h.Sessions) > MaxSessions || len(h.Meta) > schema.MaxMeta {
			return fmt.Errorf("%d attempts, %d sessions, %d bytes of meta", len(h.Attempts), len(h.Sessions), len(h.Meta))
		}
	}
	return nil
}

func brokenFree(r Record) error {
	if kept := (Record{Ended: r.Ended, Arrived: r.Arrived, granted: r.granted}); r.Free() && !reflect.DeepEqual(r, kept) {
		return fmt.Errorf("free, but %+v", r)
	}
	return nil
}

// brokenStep names the first invariant that a step breaks.
func brokenStep(before Record, c Command, after Record, o Outcome) error {
	for i, check := range []func(Record, Command, Record, Outcome) error{
		4: brokenNewTokens, 7: brokenFairness, 12: brokenExpiry, 13: brokenRefusal, 14: brokenLimit,
		18: brokenAnswers, 20: brokenMessages, 22: brokenTerms,
	} {
		if check == nil {
			continue
		}
		if err := check(before, c, after, o); err != nil {
			return fmt.Errorf("invariant %d: %w", i, err)
		}
	}
	same := bytes.Equal(before.Append(nil), after.Append(nil))
	if _, touch := c.(Touch); touch && !before.Promotable() && (!same || o.Changed == before.Free() || len(o.Answers)+len(o.Events) > 0) {
		return fmt.Errorf("a touch changes %v, and says %+v", !same, o)
	}
	if same == o.Changed && !rewrites(c) {
		return fmt.Errorf("changed is %v, and the record the same is %v", o.Changed, same)
	}
	return nil
}

// rewrites reports whether c has the record written though it stays the same.
func rewrites(c Command) bool {
	switch c.(type) {
	case Renew, Touch:
		return true
	}
	return false
}

func brokenNewTokens(before Record, _ Command, after Record, o Outcome) error {
	for _, h := range before.Holds {
		if i := after.holdOf(h.Client, h.Owner); i >= 0 && after.Holds[i].Token < h.Token && after.Holds[i].Token.Sealed() {
			return fmt.Errorf("token of %q was %d, is %d", h.Owner, h.Token, after.Holds[i].Token)
		}
	}
	granted := 0
	for _, e := range o.Events {
		if e.Type != schema.EventGranted {
			continue
		}
		if e.Token != Token(before.granted+granted) {
			return fmt.Errorf("grant %d of the write has index %d", before.granted+granted, e.Token)
		}
		granted++
	}
	for _, h := range after.Holds {
		kept := slices.ContainsFunc(before.Holds, func(b Hold) bool {
			return b.Token == h.Token && b.Client == h.Client && b.Owner == h.Owner
		})
		fresh := !h.Token.Sealed() && int(h.Token) >= before.granted
		if kept == fresh {
			return fmt.Errorf("token %d of %q: kept %v, fresh %v", h.Token, h.Owner, kept, fresh)
		}
	}
	if after.granted != before.granted+granted {
		return fmt.Errorf("%d grants, %d events", after.granted-before.granted, granted)
	}
	return nil
}

func brokenFairness(before Record, _ Command, after Record, _ Outcome) error {
	for _, h := range after.Holds[min(len(after.Holds), countKept(before, after)):] {
		i := slices.IndexFunc(before.Waiters, func(w Waiter) bool { return w.Attempt == h.Attempts[0] })
		if i < 0 {
			if before.next() >= 0 && before.granted < MaxGrants && !before.Promotable() {
				return fmt.Errorf("%q overtook %q", h.Owner, before.Waiters[before.next()].Owner)
			}
			continue
		}
		for _, w := range after.Waiters {
			if !w.Parked && w.Arrival < before.Waiters[i].Arrival {
				return fmt.Errorf("%q overtook %q", h.Owner, w.Owner)
			}
		}
	}
	return nil
}

// countKept is the number of holds in after that are from before.
func countKept(before, after Record) int {
	n := 0
	for _, h := range after.Holds {
		if h.Token.Sealed() || int(h.Token) < before.granted {
			n++
		}
	}
	return n
}

func brokenExpiry(before Record, c Command, _ Record, o Outcome) error {
	e, ok := c.(Expire)
	if !ok {
		return nil
	}
	meant := slices.ContainsFunc(before.Holds, func(h Hold) bool {
		return h.Token == e.Token && h.Renewed == e.Renewed && e.Renewed != 0
	})
	ended := slices.ContainsFunc(o.Events, func(e Event) bool { return e.Type == schema.EventExpired })
	if meant != ended {
		return fmt.Errorf("%+v is meant %v, ended %v", e, meant, ended)
	}
	return nil
}

// refused reports whether a reply to c is a refusal.
func refused(c Command, r *schema.Reply) bool {
	switch r.Status {
	case schema.StatusGranted, schema.StatusAlready, schema.StatusReleased, schema.StatusKept, schema.StatusRenewed, schema.StatusOK:
		return false
	case schema.StatusCanceled:
		_, ok := c.(Cancel)
		return !ok
	}
	return true
}

func brokenRefusal(before Record, c Command, after Record, o Outcome) error {
	if o.Reply == nil || !refused(c, o.Reply) || before.Promotable() {
		return nil
	}
	if c, ok := c.(Cancel); ok && before.FindAttempt(c.Attempt) == Nowhere {
		before.Ended = before.Ended.With(EndCanceled, c.Attempt)
	} else if o.Changed {
		return fmt.Errorf("%+v is refused %q but changed", c, o.Reply.Status)
	}
	if !bytes.Equal(before.Append(nil), after.Append(nil)) || len(o.Answers)+len(o.Events) > 0 {
		return fmt.Errorf("%+v is refused %q, and yet\n%+v\n%+v", c, o.Reply.Status, before, after)
	}
	return nil
}

func brokenLimit(before Record, c Command, after Record, o Outcome) error {
	switch c.(type) {
	case Acquire, Note:
		return nil
	}
	if after.weight() > before.weight() {
		return fmt.Errorf("%T makes the record heavier: %d, %d", c, before.weight(), after.weight())
	}
	if o.Reply != nil && o.Reply.Status == schema.StatusLimit {
		return fmt.Errorf("%T is refused by a bound", c)
	}
	return nil
}

// waiting lists the waiting attempts of a record.
func waiting(r Record) map[Attempt]Inbox {
	w := map[Attempt]Inbox{}
	for i := range r.Waiters {
		w[r.Waiters[i].Attempt] = r.Waiters[i].Inbox
	}
	for i := range r.Sets {
		w[r.Sets[i].Attempt] = r.Sets[i].Inbox
	}
	return w
}

func brokenAnswers(before Record, c Command, after Record, o Outcome) error {
	was, is := waiting(before), waiting(after)
	for _, a := range o.Answers {
		inbox, waited := was[a.Attempt]
		switch repeat := c.(type) {
		case Acquire:
			if repeat.Attempt == a.Attempt {
				inbox = repeat.Inbox
			}
		case Note:
			if repeat.Set.Attempt == a.Attempt {
				inbox = repeat.Set.Inbox
			}
		}
		if _, waits := is[a.Attempt]; !waited || waits || a.Inbox != inbox {
			return fmt.Errorf("attempt %x waited %v, waits %v, is answered at %v", a.Attempt, waited, waits, a.Inbox)
		}
		delete(was, a.Attempt)
	}
	for a := range was {
		if _, waits := is[a]; waits {
			continue
		}
		if u, ok := c.(Unnote); !ok || u.Attempt != a {
			return fmt.Errorf("attempt %x vanished by %+v", a, c)
		}
	}
	return nil
}

func brokenMessages(_ Record, c Command, _ Record, o Outcome) error {
	if o.Reply != nil && refused(c, o.Reply) != (o.Reply.Message != "") {
		return fmt.Errorf("%q has message %q", o.Reply.Status, o.Reply.Message)
	}
	for _, a := range o.Answers {
		if refused(nil, &a.Reply) != (a.Reply.Message != "") {
			return fmt.Errorf("answer %q has message %q", a.Reply.Status, a.Reply.Message)
		}
	}
	return nil
}

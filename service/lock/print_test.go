package lock

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/natslock/natslock/schema"
)

// print writes what followed from commands.
func (s *script) print(w io.Writer, outcomes []Outcome, r Record, changed bool) {
	for _, o := range outcomes {
		if o.Reply != nil {
			fmt.Fprintf(w, "    reply: %s%s\n", printReply(*o.Reply), printRepeat(o.Repeat))
		} else {
			fmt.Fprintf(w, "    no reply\n")
		}
		for _, a := range o.Answers {
			fmt.Fprintf(w, "    answer to %s at %s: %s\n", s.names[a.Attempt], a.Inbox.Subject, printReply(a.Reply))
		}
		for _, e := range o.Events {
			fmt.Fprintf(w, "    event: %s\n", printEvent(e))
		}
	}
	if !changed {
		fmt.Fprintf(w, "    unchanged\n")
		return
	}
	s.printRecord(w, r)
}

func (s *script) printRecord(w io.Writer, r Record) {
	for _, h := range r.Holds {
		fmt.Fprintf(w, "    holds: %s %s", who(h.Client, h.Owner), printMode(r.Mode, r.Size))
		fmt.Fprintf(w, " %s renewed %d%s", printToken(h.Token), h.Renewed, printTTL(h.TTL))
		for _, one := range h.Sessions {
			fmt.Fprintf(w, " session %s", printSession(one, h.Client))
		}
		if h.Meta != nil {
			fmt.Fprintf(w, " meta %s", h.Meta)
		}
		for _, a := range h.Attempts[1:] {
			fmt.Fprintf(w, " joined by %s", s.names[a])
		}
		if h.Repeats == MaxRepeats {
			fmt.Fprint(w, " for good")
		} else if h.Repeats > 0 {
			fmt.Fprintf(w, " answered %d times, unheard %b", h.Repeats+1, h.Unheard)
		}
		if h.Lead != "" {
			fmt.Fprintf(w, " lead %s %v", h.Lead, h.Names)
		}
		fmt.Fprintln(w)
	}
	for _, waiter := range r.Waiters {
		fmt.Fprintf(w, "    waits: %s\n", s.printWaiter(waiter))
	}
	for _, set := range r.Sets {
		fmt.Fprintf(w, "    waits for %v: %s\n", set.Names, s.printWaiter(set.Waiter))
	}
	for e := range r.Ended.All() {
		fmt.Fprintf(w, "    ended: %s %s\n", s.names[e.Attempt], e.End.reply().Status)
	}
}

func (s *script) printWaiter(w Waiter) string {
	text := fmt.Sprintf("%s %s", who(w.Client, w.Owner), printMode(w.Mode, w.Size))
	if name := s.names[w.Attempt]; name != w.Owner {
		text += " as " + name
	}
	if w.Inbox.Subject != s.names[w.Attempt] {
		text += " at " + w.Inbox.Subject
	}
	if w.Session.ID != "" {
		text += " session " + printSession(w.Session, w.Client)
	}
	if w.Parked {
		text += " parked"
	}
	return text
}

func printReply(r schema.Reply) string {
	text := string(r.Status)
	if r.Status == schema.StatusGranted || r.Status == schema.StatusAlready {
		text += fmt.Sprintf(" %s %s", r.Owner, printToken(Token(r.Token)))
	}
	if r.TTL != nil {
		text += printTTL(*r.TTL)
	}
	if r.Count != nil {
		text += fmt.Sprintf(" count %d", *r.Count)
	}
	if r.Message != "" {
		text += " (" + r.Message + ")"
	}
	for _, h := range r.Holders {
		text += fmt.Sprintf(" holder %s %s", who(h.Client, h.Owner), printToken(Token(h.Token)))
	}
	return text
}

func printRepeat(n uint8) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (answer %d)", n)
}

func printEvent(e Event) string {
	text := fmt.Sprintf("%s %s", e.Type, who(e.Client, e.Owner))
	if e.ofHold() {
		text += " " + printToken(e.Token)
	}
	if e.Session != "" {
		text += " session " + e.Session
	}
	if e.Reason != "" {
		text += fmt.Sprintf(" reason %q", string(e.Reason))
	}
	if e.QueuedAt != 0 && e.ofHold() {
		text += " waited"
	}
	return text
}

func who(client, owner string) string {
	if client == "app" {
		return owner
	}
	return client + ":" + owner
}

func printMode(m schema.Mode, size int64) string {
	return strings.TrimSuffix(fmt.Sprintf("%s/%d", m, size), "/0")
}

func printToken(t Token) string { return fmt.Sprintf("%d.%d", t>>8, t&255) }

func printTTL(ms int64) string {
	if ms == 0 {
		return " no ttl"
	}
	return " ttl " + (time.Duration(ms) * time.Millisecond).String()
}

func printSession(s Session, client string) string {
	text := fmt.Sprintf("%s@%d", s.ID, s.Epoch)
	if !s.isOf(client) {
		text += " of " + s.Client
	}
	if s.Change > 0 || s.TTL != 10_000 || s.Grace != 2_000 {
		text += fmt.Sprintf(" (change %d:%s grace %d n %d)", s.Change, printTTL(s.TTL), s.Grace, s.N)
	}
	return text
}

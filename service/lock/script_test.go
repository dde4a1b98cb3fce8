package lock

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/natslock/natslock/schema"
)

// script reads commands as testdata/README.txt describes them. It keeps the
// names of attempts, to print them.
type script struct {
	names map[Attempt]string
}

func (s *script) attempt(name string) Attempt {
	a := Identify("app", name)
	s.names[a] = name
	return a
}

// line is a command's words, taken apart: one positional argument, flags, and
// key=value.
type line struct {
	verb, subject string
	flags         map[string]bool
	values        map[string]string
}

func parseLine(text string) line {
	words := strings.Fields(text)
	l := line{verb: words[0], flags: map[string]bool{}, values: map[string]string{}}
	for i, word := range words[1:] {
		key, value, found := strings.Cut(word, "=")
		switch {
		case found:
			l.values[key] = value
		case i == 0:
			l.subject = word
		default:
			l.flags[word] = true
		}
	}
	return l
}

func (l line) or(key, otherwise string) string {
	if v, ok := l.values[key]; ok {
		return v
	}
	return otherwise
}

func (l line) number(key string) int64 {
	n, err := strconv.ParseInt(l.or(key, "0"), 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func (l line) milliseconds(key, otherwise string) int64 {
	text := l.or(key, otherwise)
	if text == "forever" {
		return schema.WaitForever
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
	}
	return d.Milliseconds()
}

// command reads one line. It panics if the line makes no sense.
func (s *script) command(text string) Command {
	switch l := parseLine(text); l.verb {
	case "acquire":
		return s.acquire(l)
	case "release":
		r := Release{
			Token: parseToken(l.or("token", "")), Client: l.or("client", "app"), Owner: l.subject,
			Named: l.flags["named"], Session: l.or("session", ""), Show: l.flags["show"],
		}
		if attempt, given := l.values["forget"]; given {
			r.Forget = s.attempt(attempt)
		}
		return r
	case "renew":
		_, given := l.values["ttl"]
		return Renew{
			Token: parseToken(l.subject), Client: l.or("client", "app"), Named: l.flags["named"],
			TTL: l.milliseconds("ttl", "0s"), Given: given,
		}
	case "cancel":
		return Cancel{Attempt: s.attempt(l.subject)}
	case "giveup":
		return GiveUp{s.attempt(l.subject)}
	case "leave":
		return Leave{Session: l.subject, Epoch: uint64(l.number("epoch")), Reason: schema.Reason(l.or("reason", "leave"))}
	case "expire":
		return Expire{Token: parseToken(l.subject), Renewed: uint64(l.number("renewed"))}
	case "force":
		return Force{Token: parseToken(l.subject), Reason: l.or("reason", "")}
	case "undo":
		return Undo{Token: parseToken(l.subject), Answer: uint8(l.number("answer"))}
	case "retell":
		return Retell{Attempt: s.attempt(l.subject), Inbox: Inbox{Subject: l.or("inbox", l.subject)}}
	case "note":
		a := s.acquire(l)
		return Note{Set{Waiter: a.waiter(), Names: a.Names}}
	case "unnote":
		return Unnote{s.attempt(l.subject)}
	case "promote":
		return Promote{}
	case "touch":
		return Touch{}
	case "terms":
		return Terms{
			Session: l.subject, Epoch: uint64(l.number("epoch")), TTL: l.milliseconds("ttl", "10s"), Grace: l.milliseconds("grace", "2s"),
			Change: uint64(l.number("change")), N: uint64(l.number("n")),
		}
	}
	panic("no such command: " + text)
}

func (s *script) acquire(l line) Acquire {
	attempt := l.or("attempt", l.subject)
	a := Acquire{
		Attempt: s.attempt(attempt), Client: l.or("client", "app"), Owner: l.subject,
		Mode: schema.ModeExclusive, Size: l.number("size"), Wait: l.milliseconds("wait", "0s"),
		Meta: schema.Meta(l.or("meta", "")), Inbox: Inbox{Subject: l.or("inbox", attempt)},
		At: 1_000_000, Lead: l.or("lead", ""), Fresh: l.flags["fresh"],
	}
	if l.flags["shared"] {
		a.Mode = schema.ModeShared
	}
	if l.flags["wait"] {
		a.Wait = 10_000
	}
	ttl := "30s"
	if id, epoch, found := strings.Cut(l.or("session", ""), "@"); found {
		n, err := strconv.ParseUint(epoch, 10, 64)
		if err != nil {
			panic(err)
		}
		a.Session = Session{ID: id, Client: l.or("opener", a.Client), Epoch: n, TTL: 10_000, Grace: 2_000, Change: uint64(l.number("change"))}
		ttl = "0s"
	}
	_, given := l.values["ttl"]
	a.TTL, a.DefaultTTL = l.milliseconds("ttl", ttl), !given
	if names := l.or("names", ""); names != "" {
		a.Names = strings.Split(names, ",")
	}
	if l.flags["waited"] {
		w := a.waiter()
		a.Waited, a.Since = &w, a.At
	}
	return a
}

// parseToken reads a token as it is printed: the revision of its write, a dot,
// and its index.
func parseToken(text string) Token {
	if text == "" {
		return 0
	}
	var revision, index uint64
	if _, err := fmt.Sscanf(text, "%d.%d", &revision, &index); err != nil {
		panic(err)
	}
	return Token(revision<<8 + index)
}

package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/natslock/natslock/cmd/natslock/text"
	"github.com/natslock/natslock/schema"
)

// lockTable prints locks: a row for each hold and each waiter, and one for a
// lock that is free.
type lockTable struct {
	table  text.Table
	now    time.Time
	narrow bool // there is no room for the time of day
}

// wideTerminal is how many columns it takes to show everything of most locks.
const wideTerminal = 130

func newLockTable(sys *system) *lockTable {
	width := columns(sys.out)
	return &lockTable{
		now:    time.Now(),
		narrow: width > 0 && width < wideTerminal,
		table: text.Table{
			W:        sys.out,
			Terminal: isTerminal(sys.out),
			Header:   []string{"NAME", "STATE", "MODE", "CLIENT", "OWNER", "TOKEN", "EXPIRES", "SINCE", "META", "SESSION"},
			Width:    width,
			Whole:    []string{"STATE", "TOKEN", "EXPIRES", "SINCE"},
			Spare:    []string{"OWNER", "SESSION", "META"},
		},
	}
}

func (t *lockTable) add(l *schema.LockState) {
	name := text.Escape(l.Name)
	if len(l.Holders) == 0 && len(l.Waiters) == 0 {
		t.table.Row(name, "free", "", "", "", "", "", "", "", "")
		return
	}
	for _, h := range l.Holders {
		t.table.Row(name, "held", mode(l.Mode, l.Size), text.Escape(h.Client), text.Escape(h.Owner),
			strconv.FormatUint(h.Token, 10), t.expires(h.ExpiresIn), t.since(h.GrantedAt), text.Escape(string(h.Meta)), text.Escape(strings.Join(h.Sessions, ",")))
	}
	for _, w := range l.Waiters {
		t.table.Row(name, "waiting", mode(w.Mode, 0), text.Escape(w.Client), text.Escape(w.Owner),
			"", "", t.since(w.QueuedAt), text.Escape(string(w.Meta)), text.Escape(w.Session))
	}
}

func (t *lockTable) flush() error { return t.table.Flush() }

func (t *lockTable) expires(ms *int64) string {
	if ms == nil {
		return ""
	}
	d := time.Duration(*ms) * time.Millisecond
	switch {
	case t.table.Terminal && t.narrow:
		return rough(d)
	case t.table.Terminal:
		return "in " + rough(d)
	}
	return d.String()
}

// span is a time in milliseconds.
func (t *lockTable) span(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	if t.table.Terminal {
		return rough(d)
	}
	return d.String()
}

func (t *lockTable) since(at time.Time) string {
	switch {
	case at.IsZero():
		return ""
	case t.table.Terminal && t.narrow:
		return rough(max(0, t.now.Sub(at))) + " ago"
	case t.table.Terminal:
		return since(at, t.now)
	}
	return at.UTC().Format(timeFormat)
}

// timeFormat is how times are printed for programs: as in the protocol.
const timeFormat = "2006-01-02T15:04:05.000Z"

// mode is exclusive, shared, or shared/size.
func mode(m schema.Mode, size int64) string {
	if size > 0 {
		return string(m) + "/" + strconv.FormatInt(size, 10)
	}
	return string(m)
}

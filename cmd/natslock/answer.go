package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/natslock/natslock/cmd/natslock/text"
	"github.com/natslock/natslock/schema"
)

// answer prints a reply: as JSON, or by show if its status is ok. A status that
// is not ok becomes the command's error, which says what was refused and why.
func (c *caller) answer(sys *system, what string, reply *schema.Reply, show func() error) error {
	status := statusOf(reply.Status)
	if c.JSON {
		if err := printJSON(sys.out, reply); err != nil || status == 0 {
			return err
		}
		return &failure{status: status}
	}
	if status != 0 {
		return &failure{status: status, err: fmt.Errorf("%s: %s", what, refusal(reply))}
	}
	return show()
}

// printJSON prints a message of the protocol on one line.
func printJSON(w io.Writer, m schema.Message) error {
	_, err := w.Write(append(text.JSON(schema.Append(nil, schema.JSON, m)), '\n'))
	return err
}

// refusal says why not, in words that are still to be escaped.
func refusal(reply *schema.Reply) string {
	if reply.Status == schema.StatusHeld && len(reply.Holders) > 0 {
		busy := ""
		if reply.Name != "" {
			busy = reply.Name + " is "
		}
		return busy + "held by " + heldBy(reply.Holders, time.Now())
	}
	return refusedBecause(reply.Status, reply.Message)
}

// heldBy says who holds a lock, in words that are still to be escaped.
func heldBy(holders []schema.Holder, now time.Time) string {
	h := holders[0]
	var b strings.Builder
	b.WriteString(named(h.Client))
	if h.Owner != "" {
		fmt.Fprintf(&b, ", owner %s", h.Owner)
	}
	fmt.Fprintf(&b, ", token %d", h.Token)
	if !h.GrantedAt.IsZero() {
		fmt.Fprintf(&b, ", since %s", since(h.GrantedAt, now))
	}
	if more := len(holders) - 1; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}

// named is a client's name, for it may have none.
func named(client string) string {
	if client == "" {
		return "somebody"
	}
	return client
}

// since is a moment for people: the time of day, with the date unless it is
// today's, and how long ago.
func since(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	layout := "15:04:05"
	if t.YearDay() != now.YearDay() || t.Year() != now.Year() {
		layout = "2006-01-02 15:04:05"
	}
	return fmt.Sprintf("%s (%s ago)", t.Format(layout), rough(max(0, now.Sub(t))))
}

// rough is a duration to two units or three digits.
func rough(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return shorten(d.Round(time.Second))
	case d < 48*time.Hour:
		return shorten(d.Round(time.Minute))
	}
	return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
}

// shorten leaves the units away that are zero.
func shorten(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"0s", "0m"} {
		if rest, ok := strings.CutSuffix(s, zero); ok && strings.HasSuffix(rest, "m") || strings.HasSuffix(rest, "h") {
			s = rest
		}
	}
	return s
}

// isTerminal tells whether a stream of the system is one that people look at.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// columns is how wide a stream's terminal is; 0 is not known.
func columns(stream any) int {
	f, ok := stream.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// milliseconds makes the protocol's number of a duration flag.
func milliseconds(flag string, d time.Duration) (int64, error) {
	if d%time.Millisecond != 0 {
		return 0, usagef("--%s: %s is not in whole milliseconds", flag, d)
	}
	return d.Milliseconds(), nil
}

// ttlMillis is milliseconds for a --ttl that may not be there.
func ttlMillis(ttl *time.Duration) (*int64, error) {
	if ttl == nil {
		return nil, nil
	}
	ms, err := milliseconds("ttl", *ttl)
	return &ms, err
}

// invalid makes a usage error of the protocol's.
func invalid(flag string, err error) error {
	var refused *schema.Error
	if errors.As(err, &refused) {
		return usagef("--%s: %s", flag, refused.Message)
	}
	return usagef("--%s: %w", flag, err)
}

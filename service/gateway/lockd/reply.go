package lockd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// texts are what is said of a lock, when it is so and when not.
var texts = map[verb][2]string{
	get:           {" Lock Get Success: ", " Lock Get Failure: "},
	release:       {" Lock Release Success: ", " Lock Release Failure: "},
	inspect:       {" Lock Is Locked: ", " Lock Not Locked: "},
	getShared:     {" Shared Lock Get Success: ", " Shared Lock Get Failure: "},
	releaseShared: {" Shared Lock Release Success: ", " Shared Lock Release Failure: "},
	inspectShared: {" Shared Lock Is Locked: ", " Shared Lock Not Locked: "},
}

const (
	disabled = "0 disabled\n"
	ok       = "1 ok\n"
	crowded  = "0 too many connections\n"
)

// about is what is said of a lock: n is 0 for no, 1 for yes, or a number of holders.
func about(v verb, n int, name string) string {
	text := texts[v][0]
	if n == 0 {
		text = texts[v][1]
	}
	return strconv.Itoa(n) + text + name + "\n"
}

// pair is a line that says two things.
func pair(a, b string) string { return shown(a) + ": " + shown(b) + "\n" }

// shown is a name as those are shown it who did not give it: control characters are
// escaped as in Go, since a terminal would obey them, and a line must end where it ends.
// The rest is as it was given.
func shown(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if !unicode.IsControl(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// dumper writes locks as one JSON object.
type dumper struct {
	to     io.Writer
	shared bool
	line   bytes.Buffer
	count  int
}

// add writes one more lock.
func (d *dumper) add(l Lock) error {
	d.line.Reset()
	d.line.WriteByte("{,"[min(d.count, 1)])
	d.count++
	d.quote(l.Name)
	d.line.WriteByte(':')
	if !d.shared {
		d.quote(l.Holders[0].Address)
	} else {
		for i, h := range l.Holders {
			d.line.WriteByte("[,"[min(i, 1)])
			d.quote(h.Address)
		}
		d.line.WriteByte(']')
	}
	_, err := d.to.Write(d.line.Bytes())
	return err
}

// end writes the rest.
func (d *dumper) end() error {
	text := "}\n"
	if d.count == 0 {
		text = "{}\n"
	}
	_, err := io.WriteString(d.to, text)
	return err
}

// quote writes a string as JSON, as readable as it can be on a terminal that obeys
// control characters.
func (d *dumper) quote(s string) {
	e := json.NewEncoder(&d.line)
	e.SetEscapeHTML(false)
	begin := d.line.Len()
	_ = e.Encode(s) // a buffer takes all, and a string can be encoded
	d.line.Truncate(d.line.Len() - 1)
	quoted := d.line.Bytes()[begin:]
	if !bytes.ContainsFunc(quoted, unicode.IsControl) {
		return
	}
	quoted = bytes.Clone(quoted)
	d.line.Truncate(begin)
	for _, r := range string(quoted) {
		if unicode.IsControl(r) { // above U+007E: the encoder has escaped the others
			fmt.Fprintf(&d.line, `\u%04x`, r)
			continue
		}
		d.line.WriteRune(r)
	}
}

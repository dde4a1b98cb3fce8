package lockd

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"
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
func pair(a, b string) string { return oneLine(a) + ": " + oneLine(b) + "\n" }

// oneLine returns what may have been named elsewhere as a part of one line.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' {
			return ' '
		}
		return r
	}, s)
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

// quote writes a string as JSON, as readable as it can be.
func (d *dumper) quote(s string) {
	e := json.NewEncoder(&d.line)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a buffer takes all, and a string can be encoded
	d.line.Truncate(d.line.Len() - 1)
}

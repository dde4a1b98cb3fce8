package lockd

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/natslock/natslock/schema"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		line string
		want command
	}{
		{"g a", command{verb: get, arg: "a"}},
		{"g a\n", command{verb: get, arg: "a"}},
		{"g a\r\n", command{verb: get, arg: "a"}},
		{"g  a   b \r", command{verb: get, arg: "a b"}},
		{" g  NAME\n", command{verb: get, arg: "NAME"}}, // glockc
		{"\tsg\ta\tb\t", command{verb: getShared, arg: "a b"}},
		{"g", command{verb: get}},
		{"g \r\n", command{verb: get}},
		{"r constructor", command{verb: release, arg: "constructor"}},
		{"si a", command{verb: inspectShared, arg: "a"}},
		{"d", command{verb: show}},
		{"dump shared", command{verb: dump, arg: "shared"}},
		{"me and you", command{verb: me, arg: "and you"}},
		{"iam \xc3\xa9", command{verb: iam, arg: "é"}},
		{"g a\u00a0b", command{verb: get, arg: "a\u00a0b"}},
		{"g a\vb", command{verb: get, arg: "a\vb"}},
		{"g a\x00b", command{verb: get, arg: "a\x00b"}},
		{"", command{}},
		{"\r\n", command{}},
		{" ", command{}},
		{"G a", command{}},
		{"get a", command{}},
		{"ga", command{}},
		{"quit", command{}},
		{"\xff\xfe", command{}},
		{"g a\xff", command{fault: badName}},
		{"g a\nb", command{fault: badName}}, // in a frame
		{"iam \xff", command{fault: badName}},
		{"dump \xff", command{verb: dump, arg: "\xff"}},
		{"g " + strings.Repeat("x", schema.MaxName), command{verb: get, arg: strings.Repeat("x", schema.MaxName)}},
		{"g " + strings.Repeat("x", schema.MaxName+1), command{fault: badName}},
		{"g" + strings.Repeat(" ", MaxLine-2) + "a\r\n", command{verb: get, arg: "a"}},
		{"g" + strings.Repeat(" ", MaxLine-1) + "a", command{fault: lineTooLong}},
	} {
		if diff := cmp.Diff(c.want, parse([]byte(c.line)), cmp.AllowUnexported(command{})); diff != "" {
			t.Errorf("%.40q: %s", c.line, diff)
		}
	}
}

// FuzzParse holds of any line: what it is taken for is a command in its shortest
// form, which is taken for the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"g a", " g  NAME\r\n", "dump shared", "sd", "\t", "iam \xff", "g a\nb", "q", strings.Repeat("g", 5000)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		got := parse(line)
		named, known := verbs[got.verb]
		switch {
		case got.verb == none && got.arg != "", got.verb != none && got.fault != "", got.verb != none && !known:
			t.Fatalf("%q: %+v", line, got)
		case named && (!utf8.ValidString(got.arg) || len(got.arg) > schema.MaxName || strings.ContainsAny(got.arg, "\n\t\r")):
			t.Fatalf("%q: %+v", line, got)
		case strings.Contains(got.arg, "  ") || strings.Trim(got.arg, " ") != got.arg:
			t.Fatalf("%q: not trimmed: %+v", line, got)
		case got.verb != none && parse([]byte(string(got.verb)+" "+got.arg)) != got:
			t.Fatalf("%q: %+v is another command in its shortest form", line, got)
		}
	})
}

// FuzzLines compares lines read from a stream, however it comes in pieces, with
// those of the whole text.
func FuzzLines(f *testing.F) {
	f.Add([]byte("g a\nr a\r\n\n q"), uint8(1))
	f.Add([]byte(strings.Repeat("x", MaxLine)+"\r\n"+strings.Repeat("y", MaxLine+1)+"\ng a\n"), uint8(200))
	f.Add([]byte(strings.Repeat("x", 3*MaxLine)+"\nq\n"+strings.Repeat("z", 2*MaxLine)), uint8(7))
	f.Fuzz(func(t *testing.T, text []byte, piece uint8) {
		var want []command
		for _, line := range bytes.SplitAfter(text, []byte("\n")) {
			if bytes.HasSuffix(line, []byte("\n")) {
				want = append(want, parse(line))
			}
		}
		l := newLines(&trickle{text: text, piece: int(piece) + 1}, time.Second)
		var got []command
		for {
			line, err := l.next()
			if err == io.EOF {
				break
			}
			cmd := tooLong
			if err == nil {
				cmd = parse(line)
			}
			got = append(got, cmd)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(command{})); diff != "" {
			t.Fatal(diff)
		}
	})
}

// trickle is a connection that gives its text in pieces.
type trickle struct {
	net.Conn
	text  []byte
	piece int
}

func (c *trickle) Read(p []byte) (int, error) {
	if len(c.text) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.text[:min(c.piece, len(c.text))])
	c.text = c.text[n:]
	return n, nil
}

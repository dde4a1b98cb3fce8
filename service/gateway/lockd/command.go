package lockd

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/natslock/natslock/schema"
)

// MaxLine is how long a line may be, without its end.
const MaxLine = 4096

// verb is what a command asks for.
type verb string

// The commands.
const (
	get           verb = "g"
	release       verb = "r"
	inspect       verb = "i"
	getShared     verb = "sg"
	releaseShared verb = "sr"
	inspectShared verb = "si"
	show          verb = "d"
	showShared    verb = "sd"
	dump          verb = "dump"
	iam           verb = "iam"
	me            verb = "me"
	who           verb = "who"
	stats         verb = "q"

	// none is what is no command.
	none verb = ""
)

// verbs are all commands, and whether they take a name.
var verbs = map[verb]bool{
	get: true, release: true, inspect: true, getShared: true, releaseShared: true, inspectShared: true,
	show: true, showShared: true, dump: false, iam: true, me: false, who: true, stats: false,
}

// fault is why a line is refused, as its sender is told.
type fault string

const (
	lineTooLong fault = "0 line too long\n"
	badName     fault = "0 bad name\n"
)

// command is one line.
type command struct {
	verb  verb
	arg   string // trimmed, no run of spaces
	fault fault  // if there is one, the verb is none
}

// tooLong is the command that a line over MaxLine bytes is taken for.
var tooLong = command{fault: lineTooLong}

// parse reads a line, whose end may be there or not.
func parse(line []byte) command {
	if line = trimEnd(line); len(line) > MaxLine {
		return tooLong
	}
	fields := bytes.FieldsFunc(line, isSpace)
	if len(fields) == 0 {
		return command{}
	}
	v := verb(fields[0])
	named, known := verbs[v]
	if !known {
		return command{}
	}
	arg := string(bytes.Join(fields[1:], []byte(" ")))
	if named && (len(arg) > schema.MaxName || strings.ContainsRune(arg, '\n') || !utf8.ValidString(arg)) {
		return command{fault: badName}
	}
	return command{verb: v, arg: arg}
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\r' }

// isHTTP tells whether a line that is no command is one of those that every HTTP
// request begins with: the first may be too long to be seen. Any web page can have a
// browser send a request that has commands for its body.
func isHTTP(line []byte) bool {
	line = bytes.ToLower(trimEnd(line))
	return bytes.HasSuffix(line, []byte(" http/1.1")) || bytes.HasSuffix(line, []byte(" http/1.0")) || bytes.HasPrefix(line, []byte("host:"))
}

// trimEnd returns a line without its end.
func trimEnd(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}

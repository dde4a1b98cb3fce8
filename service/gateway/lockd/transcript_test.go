package lockd_test

import (
	"strings"
	"testing"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/lockd"
)

// step is what one of two callers sends, and the whole reply. $A and $B are the
// addresses of both.
type step struct {
	by         byte
	send, want string
}

// transcripts are what is said over any way, byte for byte.
var transcripts = map[string]struct {
	config lockd.Config
	steps  []step
}{
	"exclusive": {steps: []step{
		{'a', "g x", "1 Lock Get Success: x\n"},
		{'a', "g x", "1 Lock Get Success: x\n"},
		{'b', "g x", "0 Lock Get Failure: x\n"},
		{'b', "i x", "1 Lock Is Locked: x\n"},
		{'b', "r x", "0 Lock Release Failure: x\n"},
		{'a', "r x", "1 Lock Release Success: x\n"},
		{'a', "r x", "0 Lock Release Failure: x\n"},
		{'a', "i x", "0 Lock Not Locked: x\n"},
		{'b', "g x", "1 Lock Get Success: x\n"},
	}},
	"shared": {steps: []step{
		{'a', "si x", "0 Shared Lock Not Locked: x\n"},
		{'a', "sg x", "1 Shared Lock Get Success: x\n"},
		{'a', "sg x", "1 Shared Lock Get Success: x\n"},
		{'b', "si x", "1 Shared Lock Is Locked: x\n"},
		{'b', "sr x", "0 Shared Lock Release Failure: x\n"},
		{'b', "sg x", "2 Shared Lock Get Success: x\n"},
		{'a', "si x", "2 Shared Lock Is Locked: x\n"},
		{'a', "sr x", "1 Shared Lock Release Success: x\n"},
		{'a', "si x", "1 Shared Lock Is Locked: x\n"},
		{'a', "sr x", "0 Shared Lock Release Failure: x\n"},
	}},
	"both kinds are independent": {steps: []step{
		{'a', "sg x", "1 Shared Lock Get Success: x\n"},
		{'b', "g x", "1 Lock Get Success: x\n"},
		{'a', "r x", "0 Lock Release Failure: x\n"},
		{'b', "sr x", "0 Shared Lock Release Failure: x\n"},
		{'b', "d", "x: $B\n"},
		{'b', "sd", "x: $A\n"},
	}},
	"names of locks": {steps: []step{
		{'a', " g  a \t b \r", "1 Lock Get Success: a b\n"},
		{'a', "g", "1 Lock Get Success: \n"},
		{'b', "g ", "0 Lock Get Failure: \n"},
		{'b', "i", "1 Lock Is Locked: \n"},
		{'a', "g constructor", "1 Lock Get Success: constructor\n"},
		{'a', "sg constructor", "1 Shared Lock Get Success: constructor\n"},
		{'a', "i __proto__", "0 Lock Not Locked: __proto__\n"},
		{'a', "g Straße 🔒 \"<&>\"", "1 Lock Get Success: Straße 🔒 \"<&>\"\n"},
		{'a', "d", ": $A\nStraße 🔒 \"<&>\": $A\na b: $A\nconstructor: $A\n"},
		{'a', "dump", `{"":"$A","Straße 🔒 \"<&>\"":"$A","a b":"$A","constructor":"$A"}` + "\n"},
		{'a', "g " + strings.Repeat("n", 512), "1 Lock Get Success: " + strings.Repeat("n", 512) + "\n"},
		{'a', "g " + strings.Repeat("n", 513), "0 bad name\n"},
		{'a', "g \xff", "0 bad name\n"},
		{'a', "iam \xc3\x28", "0 bad name\n"},
		{'a', "g " + strings.Repeat("n", 4095), "0 line too long\n"},
		{'a', "g " + strings.Repeat("n", 100_000), "0 line too long\n"},
		{'a', "r a b", "1 Lock Release Success: a b\n"},
	}},
	"lists": {steps: []step{
		{'a', "d", ""},
		{'a', "sd", ""},
		{'a', "dump", "{}\n"},
		{'a', "dump shared", "{}\n"},
		{'a', "g x", "1 Lock Get Success: x\n"},
		{'b', "g y", "1 Lock Get Success: y\n"},
		{'b', "sg s", "1 Shared Lock Get Success: s\n"},
		{'a', "sg s", "2 Shared Lock Get Success: s\n"},
		{'b', "sg t", "1 Shared Lock Get Success: t\n"},
		{'a', "iam ann  of a", "1 ok\n"},
		{'b', "d", "x: ann of a\ny: $B\n"},
		{'b', "d y", "y: $B\n"},
		{'b', "d z", ""},
		{'b', "sd", "s: $B\ns: ann of a\nt: $B\n"},
		{'b', "sd s", "s: $B\ns: ann of a\n"},
		{'b', "sd z", ""},
		{'b', "dump", `{"x":"$A","y":"$B"}` + "\n"},
		{'b', "dump shared", `{"s":["$B","$A"],"t":["$B"]}` + "\n"},
		{'b', "dump nothing", `{"x":"$A","y":"$B"}` + "\n"},
	}},
	"names of connections": {steps: []step{
		{'a', "me", "1 $A $A\n"},
		{'a', "who", ""},
		{'a', "iam ann", "1 ok\n"},
		{'a', "me", "1 $A ann\n"},
		{'b', "who", "$A: ann\n"},
		{'b', "who ann", "$A: ann\n"},
		{'b', "who ben", ""},
		{'a', "iam", "1 ok\n"},
		{'b', "who", ""},
		{'a', "me", "1 $A $A\n"},
	}},
	"control characters": {steps: []step{
		{'a', "g a\x1b[2J", "1 Lock Get Success: a\x1b[2J\n"}, // a's own words
		{'b', "g a\x1b[2J", "0 Lock Get Failure: a\x1b[2J\n"},
		{'a', "sg \u009b\x7f", "1 Shared Lock Get Success: \u009b\x7f\n"},
		{'a', "iam \x1b]0;mine\a \\o/", "1 ok\n"},
		{'a', "me", "1 $A \x1b]0;mine\a \\o/\n"},
		{'b', "who", `$A: \x1b]0;mine\a \o/` + "\n"},
		{'b', "who \x1b]0;mine\a \\o/", `$A: \x1b]0;mine\a \o/` + "\n"},
		{'b', "d", `a\x1b[2J: \x1b]0;mine\a \o/` + "\n"},
		{'b', "sd \u009b\x7f", `\u009b\x7f: \x1b]0;mine\a \o/` + "\n"},
		{'b', "dump", `{"a\u001b[2J":"$A"}` + "\n"},
		{'b', "dump shared", `{"\u009b\u007f":["$A"]}` + "\n"},
		{'a', "r a\x1b[2J", "1 Lock Release Success: a\x1b[2J\n"},
	}},
	"what is no command": {steps: []step{
		{'a', "", ""},
		{'a', "quit", ""},
		{'a', "G x", ""},
		{'a', " \t", ""},
		{'a', "help me", ""},
		{'a', "q", "command_d: 0\ncommand_dump: 0\ncommand_g: 0\ncommand_i: 0\ncommand_me: 2\ncommand_q: 0\ncommand_r: 0\ncommand_sd: 0\n" +
			"command_sg: 0\ncommand_si: 0\ncommand_sr: 0\nconnections: 2\ninvalid_commands: 5\nlocks: 0\norphans: 0\nshared_locks: 0\nshared_orphans: 0\n"},
	}},
	"counters": {steps: []step{
		{'a', "g x", "1 Lock Get Success: x\n"},
		{'a', "g x", "1 Lock Get Success: x\n"},
		{'b', "g x", "0 Lock Get Failure: x\n"},
		{'b', "sg s", "1 Shared Lock Get Success: s\n"},
		{'a', "sg s", "2 Shared Lock Get Success: s\n"},
		{'a', "iam ann", "1 ok\n"},
		{'a', "q", "command_d: 0\ncommand_dump: 0\ncommand_g: 3\ncommand_i: 0\ncommand_iam: 1\ncommand_me: 2\ncommand_q: 0\ncommand_r: 0\ncommand_sd: 0\n" +
			"command_sg: 2\ncommand_si: 0\ncommand_sr: 0\nconnections: 2\ninvalid_commands: 0\nlocks: 1\norphans: 0\nshared_locks: 1\nshared_orphans: 0\n"},
		{'a', "r x", "1 Lock Release Success: x\n"},
		{'a', "sr s", "1 Shared Lock Release Success: s\n"},
		{'b', "g \xff", "0 bad name\n"},
		{'a', "q anything", "command_d: 0\ncommand_dump: 0\ncommand_g: 3\ncommand_i: 0\ncommand_iam: 1\ncommand_me: 2\ncommand_q: 1\ncommand_r: 1\ncommand_sd: 0\n" +
			"command_sg: 2\ncommand_si: 0\ncommand_sr: 1\nconnections: 2\ninvalid_commands: 1\nlocks: 0\norphans: 0\nshared_locks: 1\nshared_orphans: 0\n"},
	}},
	"without dump": {config: lockd.Config{NoDump: true}, steps: []step{
		{'a', "g x", "1 Lock Get Success: x\n"},
		{'a', "d", "0 disabled\n"},
		{'a', "sd x", "0 disabled\n"},
		{'a', "dump", "0 disabled\n"},
		{'a', "dump shared", "0 disabled\n"},
		{'a', "who", "0 disabled\n"},
		{'a', "iam ann", "1 ok\n"},
		{'a', "me", "1 $A ann\n"},
		{'a', "i x", "1 Lock Is Locked: x\n"},
	}},
	"without registry": {config: lockd.Config{NoRegistry: true}, steps: []step{
		{'a', "iam ann", "0 disabled\n"},
		{'a', "who", "0 disabled\n"},
		{'a', "me", "1 $A $A\n"},
		{'a', "g x", "1 Lock Get Success: x\n"},
		{'a', "d", "x: $A\n"},
		{'a', "sd", ""},
		{'a', "dump", `{"x":"$A"}` + "\n"},
	}},
	"without both": {config: lockd.Config{NoDump: true, NoRegistry: true}, steps: []step{
		{'a', "who ann", "0 disabled\n"},
		{'a', "sd", "0 disabled\n"},
		{'a', "sg s", "1 Shared Lock Get Success: s\n"},
		{'b', "sr s", "0 Shared Lock Release Failure: s\n"},
		{'b', "q", "command_d: 0\ncommand_dump: 0\ncommand_g: 0\ncommand_i: 0\ncommand_me: 2\ncommand_q: 0\ncommand_r: 0\ncommand_sd: 1\n" +
			"command_sg: 1\ncommand_si: 0\ncommand_sr: 1\ncommand_who: 1\nconnections: 2\ninvalid_commands: 0\nlocks: 0\norphans: 0\nshared_locks: 1\nshared_orphans: 0\n"},
	}},
}

func TestTranscripts(t *testing.T) {
	for name, script := range transcripts {
		for way, call := range ways {
			t.Run(name+"/"+way, func(t *testing.T) {
				play(t, open(t, newFake(), gateway.Limits{}, script.config), call, script.steps)
			})
		}
	}
}

// TestTranscriptsOfAll has the whole service say the same.
func TestTranscriptsOfAll(t *testing.T) {
	for name, script := range transcripts {
		for way, call := range ways {
			t.Run(name+"/"+way, func(t *testing.T) {
				play(t, openAt(t, clienttest.New(t).Conn(), nil, gateway.Limits{}, script.config), call, script.steps)
			})
		}
	}
}

// play goes through a transcript.
func play(t *testing.T, d *door, call func(*testing.T, *door) caller, steps []step) {
	t.Helper()
	callers := map[byte]caller{'a': call(t, d), 'b': call(t, d)}
	address := strings.NewReplacer("$A", addressOf(t, callers['a']), "$B", addressOf(t, callers['b']))
	for _, s := range steps {
		c := callers[s.by]
		c.send(t, s.send)
		c.expect(t, address.Replace(s.want))
	}
	// Nothing is left to read: the next reply is the first that comes.
	for _, c := range callers {
		c.send(t, "r nothing")
		c.expect(t, "0 Lock Release Failure: nothing\n")
	}
}

// addressOf asks a caller's own address.
func addressOf(t *testing.T, c caller) string {
	t.Helper()
	c.send(t, "me")
	var line string
	switch c := c.(type) {
	case *streamed:
		text, err := c.in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		line = text
	case *framed:
		_, text, err := c.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		line = string(text)
	}
	fields := strings.Fields(line)
	if len(fields) != 3 || fields[0] != "1" || fields[1] != fields[2] {
		t.Fatalf("me: %q", line)
	}
	return fields[1]
}

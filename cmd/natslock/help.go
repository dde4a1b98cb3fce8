package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/natslock/natslock/cmd/natslock/text"
)

// helpCmd is the command help.
type helpCmd struct {
	Command string `arg:"" optional:"" complete:"command" help:"The command. Default: all of them, in short."`
}

// Help has the examples.
func (*helpCmd) Help() string {
	return `It is what --help prints.

Examples:

    natslock help
    natslock help run`
}

// Run prints what --help does.
func (c *helpCmd) Run(sys *system) error {
	args := []string{"--help"}
	if c.Command != "" {
		args = []string{c.Command, "--help"}
	}
	_, err := newParser(sys).Parse(args) // which does not return after it has printed
	return usageOf(err)
}

// shown are the commands that are not hidden.
func shown(parser *kong.Kong) []*kong.Node {
	return slices.DeleteFunc(slices.Clone(parser.Model.Children), func(n *kong.Node) bool { return n.Hidden })
}

// introduce says what can be done, to who has named no command.
func introduce(sys *system) int {
	var b strings.Builder
	b.WriteString("natslock: which command? Usage: natslock COMMAND [FLAGS]\n\n")
	commands := shown(newParser(sys))
	width := 0
	for _, c := range commands {
		width = max(width, text.Width(c.Name))
	}
	for _, c := range commands {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, c.Name, c.Help)
	}
	b.WriteString("\nStart with \"natslock serve\"; \"natslock help COMMAND\" says more.\n")
	_, _ = fmt.Fprint(sys.err, b.String())
	return exitUsage
}

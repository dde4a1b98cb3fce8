package complete

import (
	"fmt"
	"io"
	"strings"
)

// Fish writes a script for fish.
func (p *Program) Fish(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# To load it: %[1]s completion fish | source\n\ncomplete -c %[1]s -f\n", p.Name)
	for _, f := range p.Flags {
		p.fishFlag(&b, "", f)
	}
	for _, c := range p.Commands {
		fmt.Fprintf(&b, "complete -c %s -n __fish_use_subcommand -a %s -d %s\n", p.Name, c.Name, fishQuote(c.Help))
	}
	for _, c := range p.Commands {
		seen := " -n '__fish_seen_subcommand_from " + c.Name + "'"
		for _, f := range c.Flags {
			p.fishFlag(&b, seen, f)
		}
		if len(c.Values) > 0 {
			fmt.Fprintf(&b, "complete -c %s%s -a %s\n", p.Name, seen, fishQuote(strings.Join(c.Values, " ")))
		}
		if c.Locks {
			fmt.Fprintf(&b, "complete -c %[1]s%[2]s -a '(%[1]s names -- (commandline -ct) (commandline -opc) 2>/dev/null)'\n", p.Name, seen)
		}
		if c.Runs {
			fmt.Fprintf(&b, "complete -c %s%s -a '(__fish_complete_subcommand)'\n", p.Name, seen)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (p *Program) fishFlag(b *strings.Builder, condition string, f Flag) {
	fmt.Fprintf(b, "complete -c %s%s -l %s -d %s", p.Name, condition, f.Name, fishQuote(f.Help))
	switch {
	case f.Bool:
	case f.File:
		b.WriteString(" -r -F")
	case len(f.Values) > 0:
		fmt.Fprintf(b, " -x -a %s", fishQuote(strings.Join(f.Values, " ")))
	default:
		b.WriteString(" -x")
	}
	b.WriteByte('\n')
}

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

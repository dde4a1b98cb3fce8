package complete

import (
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Program is what can be completed of a command line.
type Program struct {
	Name     string
	Flags    []Flag // of the program itself and all commands
	Commands []Command
}

// Command is a command and what follows it.
type Command struct {
	Name   string
	Help   string
	Flags  []Flag
	Values []string // of its argument, if there are few
	Locks  bool     // its argument is a lock; the program's command names knows some
	Runs   bool     // its last arguments are another command
}

// Flag is a flag that has two dashes.
type Flag struct {
	Name   string
	Help   string
	Bool   bool
	Values []string // if there are few
	File   bool     // the value is a file or directory
}

// Of reads a grammar with one level of commands. What is hidden stays so.
func Of(app *kong.Application) Program {
	p := Program{Name: app.Name, Flags: flags(app.Node)}
	for _, node := range app.Children {
		if node.Hidden {
			continue
		}
		c := Command{Name: node.Name, Help: brief(node.Help), Flags: flags(node)}
		for _, arg := range node.Positional {
			c.Values = append(c.Values, values(arg)...)
			switch arg.Tag.Get("complete") {
			case "command":
				c.Values = commands(app)
			case "lock":
				c.Locks = true
			}
			c.Runs = c.Runs || arg.Passthrough
		}
		p.Commands = append(p.Commands, c)
	}
	return p
}

func flags(node *kong.Node) []Flag {
	var all []Flag
	for _, f := range node.Flags {
		if !f.Hidden {
			all = append(all, Flag{Name: f.Name, Help: brief(f.Help), Bool: f.IsBool(), Values: values(f.Value), File: f.Tag.Get("complete") == "file"})
		}
	}
	return all
}

// commands are the names of all that are not hidden.
func commands(app *kong.Application) []string {
	var names []string
	for _, node := range app.Children {
		if !node.Hidden {
			names = append(names, node.Name)
		}
	}
	return names
}

func values(v *kong.Value) []string {
	if few := v.Tag.Get("values"); few != "" {
		return strings.Split(few, ",")
	}
	if v.Enum == "" {
		return nil
	}
	return slices.DeleteFunc(v.EnumSlice(), func(s string) bool { return s == "" })
}

// sentenceEnd is where the first sentence of a help text ends.
var sentenceEnd = regexp.MustCompile(`[.:;] |\.$`)

// brief is the first part of a help text, on one line.
func brief(help string) string {
	help = strings.Join(strings.Fields(help), " ")
	if at := sentenceEnd.FindStringIndex(help); at != nil {
		return help[:at[0]]
	}
	return help
}

// names lists the commands.
func (p *Program) names() []string {
	var names []string
	for _, c := range p.Commands {
		names = append(names, c.Name)
	}
	return names
}

// all is the command's flags and the program's.
func (p *Program) all(c *Command) []Flag { return slices.Concat(c.Flags, p.Flags) }

// quote makes one word of a text for bash and zsh.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

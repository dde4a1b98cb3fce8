package complete

import (
	"fmt"
	"io"
	"strings"
)

// zshLocks completes the names of locks.
const zshLocks = `_%[1]s_locks() {
    local -a names=(${(f)"$(%[1]s names -- "$PREFIX" $words 2>/dev/null)"})
    compadd -a names
}

`

// Zsh writes a script for zsh, to be sourced or put into a directory of fpath.
func (p *Program) Zsh(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "#compdef %[1]s\n# To load it: source <(%[1]s completion zsh)\n\n"+zshLocks+"_%[1]s() {\n    local curcontext=$curcontext state line\n    local -a commands=(\n", p.Name)
	for _, c := range p.Commands {
		fmt.Fprintf(&b, "        %s\n", quote(c.Name+":"+c.Help))
	}
	b.WriteString("    )\n    _arguments -C \\\n")
	for _, f := range p.Flags {
		fmt.Fprintf(&b, "        %s \\\n", zshFlag(f))
	}
	b.WriteString("        '1: :->command' '*:: :->argument'\n    case $state in\n    command) _describe command commands ;;\n    argument)\n        case $words[1] in\n")
	for _, c := range p.Commands {
		p.zshCommand(&b, &c)
	}
	fmt.Fprintf(&b, "        esac ;;\n    esac\n}\n\nif [[ $funcstack[1] == _%[1]s ]]; then\n    _%[1]s \"$@\"\nelse\n    compdef _%[1]s %[1]s\nfi\n", p.Name)
	_, err := io.WriteString(w, b.String())
	return err
}

func (p *Program) zshCommand(b *strings.Builder, c *Command) {
	fmt.Fprintf(b, "        %s)\n            _arguments \\\n", c.Name)
	for _, f := range p.all(c) {
		fmt.Fprintf(b, "                %s \\\n", zshFlag(f))
	}
	locks := ""
	if c.Locks {
		locks = "_" + p.Name + "_locks"
	}
	switch {
	case c.Runs:
		fmt.Fprintf(b, "                '1:name:%s' '*::command:_normal' ;;\n", locks)
	case len(c.Values) > 0:
		fmt.Fprintf(b, "                %s ;;\n", quote("1:value:("+strings.Join(c.Values, " ")+")"))
	default:
		fmt.Fprintf(b, "                '*:name:%s' ;;\n", locks)
	}
}

// zshText escapes what _arguments gives a meaning.
var zshText = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `:`, `\:`)

func zshFlag(f Flag) string {
	spec := "--" + f.Name
	if !f.Bool {
		spec += "="
	}
	spec += "[" + zshText.Replace(f.Help) + "]"
	switch {
	case f.Bool:
	case f.File:
		spec += ":file:_files"
	case len(f.Values) > 0:
		spec += ":value:(" + strings.Join(f.Values, " ") + ")"
	default:
		spec += ":value:"
	}
	return quote(spec)
}

package complete

import (
	"fmt"
	"io"
	"strings"
)

// Bash writes a script for bash 3.2 and later.
func (p *Program) Bash(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, bashHead, p.Name)
	for _, c := range p.Commands {
		if c.Runs {
			fmt.Fprintf(&b, "    %s,?*)\n        _%s_command; return ;;\n", c.Name, p.Name)
		}
	}
	b.WriteString("    *,?*) return ;;\n    esac\n    case $command,$prev in\n")
	for _, c := range p.Commands {
		p.bashValues(&b, &c)
	}
	fmt.Fprintf(&b, "    *)\n        case $command in\n        '') words=%s ;;\n", words(p.names(), p.Flags))
	for _, c := range p.Commands {
		locks := ""
		if c.Locks {
			locks = "; _" + p.Name + "_locks"
		}
		fmt.Fprintf(&b, "        %s) words=%s%s ;;\n", c.Name, words(c.Values, p.all(&c)), locks)
	}
	fmt.Fprintf(&b, bashTail, p.Name)
	_, err := io.WriteString(w, b.String())
	return err
}

// bashHead finds the command, and how far behind "--" the cursor is. Bash has
// split the line at "=" too.
const bashHead = `# bash completion for %[1]s. To load it: source <(%[1]s completion bash)

_%[1]s_files() {
    local IFS=$'\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$cur"))
}

_%[1]s_command() {
    local IFS=$'\n'
    if ((after > 1)); then
        _%[1]s_files
    else
        COMPREPLY=($(compgen -c -- "$cur"))
    fi
}

_%[1]s_locks() {
    [[ $cur == -* ]] || words="$("${COMP_WORDS[0]}" names -- "$cur" "${COMP_WORDS[@]:1}" 2>/dev/null) $words"
}

_%[1]s() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= after= words= i
    COMPREPLY=()
    [[ $cur == = ]] && cur=
    [[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD-2]}
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --) after=$((COMP_CWORD - i)); break ;;
        -*) ;;
        *) command=${command:-${COMP_WORDS[i]}} ;;
        esac
    done
    case $command,$after in
`

const bashTail = `        esac
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}

complete -F _%[1]s %[1]s
`

// bashValues writes what follows the command's flags that take a value.
func (p *Program) bashValues(b *strings.Builder, c *Command) {
	var files, free []string
	for _, f := range p.all(c) {
		at := c.Name + ",--" + f.Name
		switch {
		case f.Bool:
		case f.File:
			files = append(files, at)
		case len(f.Values) > 0:
			fmt.Fprintf(b, "    %s) words=%s ;;\n", at, words(f.Values, nil))
		default:
			free = append(free, at)
		}
	}
	if len(files) > 0 {
		fmt.Fprintf(b, "    %s)\n        _%s_files; return ;;\n", strings.Join(files, "|"), p.Name)
	}
	if len(free) > 0 {
		fmt.Fprintf(b, "    %s)\n        return ;;\n", strings.Join(free, "|"))
	}
}

// words is a list of words and flags, quoted.
func words(words []string, flags []Flag) string {
	words = append([]string{}, words...)
	for _, f := range flags {
		words = append(words, "--"+f.Name)
	}
	return quote(strings.Join(words, " "))
}

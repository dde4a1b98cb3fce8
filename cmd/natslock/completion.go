package main

import (
	"github.com/alecthomas/kong"

	"github.com/natslock/natslock/cmd/natslock/complete"
)

// completionCmd is the command completion.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help has the examples.
func (*completionCmd) Help() string {
	return `Examples:

    source <(natslock completion bash)
    natslock completion zsh > "${fpath[1]}/_natslock"
    natslock completion fish > ~/.config/fish/completions/natslock.fish`
}

// Run prints the script.
func (c *completionCmd) Run(sys *system, parser *kong.Kong) error {
	program := complete.Of(parser.Model)
	switch c.Shell {
	case "bash":
		return program.Bash(sys.out)
	case "zsh":
		return program.Zsh(sys.out)
	}
	return program.Fish(sys.out)
}

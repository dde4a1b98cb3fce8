package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/natslock/natslock/schema"
)

// inFlags says what is wrong with the request of a command, before anything is
// sent and in the words of the command line.
func inFlags(command string, m schema.Request) error {
	var bad *schema.Error
	if !errors.As(m.Validate(), &bad) {
		return nil
	}
	what := strings.TrimPrefix(bad.Message, bad.Field+": ")
	names := lockNames(m)
	switch field, _, _ := strings.Cut(bad.Field, "["); field {
	case "ttl_ms":
		return usagef("%s: --ttl: must be from 10ms to 24h", command)
	case "wait_ms":
		return usagef("%s: --wait: must be at most 24h", command)
	case "name", "names":
		return badName(command, names, what)
	case "size", "token", "owner", "client", "request", "reason", "prefix", "holder", "limit", "meta":
		return usagef("%s: --%s: %s", command, field, what)
	}
	return usagef("%s: %s", command, bad.Message)
}

// badName says which lock's name is wrong.
func badName(command string, names []string, what string) error {
	seen := map[string]bool{}
	for _, name := range names {
		switch {
		case name == "":
			return usagef("%s: the name of a lock must not be empty", command)
		case len(name) > schema.MaxName:
			return usagef("%s: the name %.40q... is %d bytes long, and may have %d", command, name, len(name), schema.MaxName)
		case seen[name]:
			return usagef("%s: the lock %q is given twice", command, name)
		}
		seen[name] = true
	}
	return usagef("%s: %d locks: %s", command, len(names), what)
}

// lockNames are the locks that a request is about.
func lockNames(m schema.Request) []string {
	switch m := m.(type) {
	case *schema.Acquire:
		if len(m.Names) == 0 {
			return []string{m.Name}
		}
		return m.Names
	case *schema.Inspect:
		return m.Names
	case *schema.Release:
		return []string{m.Name}
	case *schema.Renew:
		return []string{m.Name}
	case *schema.Force:
		return []string{m.Name}
	}
	return nil
}

// fieldWords are the flags for the fields that the service's messages name.
var fieldWords = strings.NewReplacer("wait_ms", "--wait", "ttl_ms", "--ttl")

// refusedBecause is why the service refused, in the words of the command line.
func refusedBecause(status schema.Status, message string) string {
	if message == "" {
		return string(status)
	}
	return fmt.Sprintf("%s: %s", status, fieldWords.Replace(message))
}

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
	if what := fault(m); what != "" {
		return usagef("%s: %s", command, what)
	}
	return nil
}

// fault is what is wrong with a request, or "".
func fault(m schema.Request) string {
	var bad *schema.Error
	if !errors.As(m.Validate(), &bad) {
		return ""
	}
	what := strings.TrimPrefix(bad.Message, bad.Field+": ")
	switch field, _, _ := strings.Cut(bad.Field, "["); field {
	case "ttl_ms":
		return "--ttl: must be from 10ms to 24h"
	case "wait_ms":
		return "--wait: must be at most 24h"
	case "name", "names":
		return nameFault(lockNames(m), what)
	case "size", "token", "owner", "client", "request", "reason", "prefix", "holder", "limit", "meta":
		return "--" + field + ": " + what
	}
	return bad.Message
}

// nameFault says which lock's name is wrong.
func nameFault(names []string, what string) string {
	seen := map[string]bool{}
	for _, name := range names {
		switch {
		case name == "":
			return "the name of a lock must not be empty"
		case len(name) > schema.MaxName:
			return fmt.Sprintf("the name %.40q... is %d bytes long, and may have %d", name, len(name), schema.MaxName)
		case seen[name]:
			return fmt.Sprintf("the lock %q is given twice", name)
		}
		seen[name] = true
	}
	return fmt.Sprintf("%d locks: %s", len(names), what)
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

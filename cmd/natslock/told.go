package main

import (
	"cmp"
	"errors"
	"io"
	"strings"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
)

// told is an error that is told to people in other words.
type told struct {
	text  string
	cause error
}

func (e *told) Error() string { return e.text }

func (e *told) Unwrap() error { return e.cause }

// lostWhy is why a lock was lost, as far as its holder knows.
func lostWhy(err error) string {
	var refused *client.Error
	if errors.As(err, &refused) && errors.Is(refused.Unwrap(), client.ErrLost) {
		err = refused.Unwrap()
	}
	return strings.TrimPrefix(err.Error(), client.ErrLost.Error()+": ")
}

// inJSON prints a failure as a reply of the protocol, if JSON was asked for and
// nothing was said of it yet.
func (c *caller) inJSON(w io.Writer, name string, err error) error {
	if err == nil || !c.JSON {
		return err
	}
	status, quiet := exitStatus(err)
	if quiet {
		return err
	}
	if printing := printJSON(w, failedReply(name, err)); printing != nil {
		return &failure{status: status, err: errors.Join(err, printing)}
	}
	return &failure{status: status}
}

// failedReply is a failure of a command's own, as a reply of the protocol.
func failedReply(name string, err error) *schema.Reply {
	r := &schema.Reply{Status: schema.StatusInternal, Name: name, Message: oneLine(err)}
	var usage *usageError
	var refused *client.Error
	var failed *failure
	switch {
	case errors.As(err, &usage), errors.As(err, &failed) && (failed.status == runNotRunnable || failed.status == runNotFound):
		r.Status = schema.StatusInvalid
	case errors.As(err, &refused):
		r.Status, r.Name, r.Holders = refused.Status, cmp.Or(name, refused.Name), refused.Holders
	case isUnavailable(err):
		r.Status = schema.StatusUnavailable
	}
	return r
}

// isUnavailable tells whether nobody could be reached.
func isUnavailable(err error) bool {
	var f *failure
	for errors.As(err, &f) {
		if f.status == exitUnavailable {
			return true
		}
		err = f.err
	}
	return false
}

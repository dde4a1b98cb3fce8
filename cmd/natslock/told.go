package main

import (
	"errors"
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

// failedReply is a failure of run's own, as a reply of the protocol.
func failedReply(name string, err error) *schema.Reply {
	r := &schema.Reply{Status: schema.StatusInternal, Name: name, Message: oneLine(err)}
	var usage *usageError
	var refused *client.Error
	var failed *failure
	switch {
	case errors.As(err, &usage), errors.As(err, &failed) && (failed.status == runNotRunnable || failed.status == runNotFound):
		r.Status = schema.StatusInvalid
	case errors.As(err, &refused):
		r.Status, r.Holders = refused.Status, refused.Holders
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

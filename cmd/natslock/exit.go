package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/cmd/natslock/job"
	"github.com/natslock/natslock/cmd/natslock/text"
	"github.com/natslock/natslock/schema"
)

// The exit statuses of all commands but run.
const (
	exitFailed      = 1 // also: the answer is no
	exitUsage       = 2
	exitUnavailable = 3
	exitDenied      = 4
)

// usageError is a command line that makes no sense.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// failure is an end with a status of its own. Without err there is nothing to
// say about it.
type failure struct {
	status int
	err    error
}

func (e *failure) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *failure) Unwrap() error { return e.err }

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ signal os.Signal }

func (e *interrupted) Error() string { return e.signal.String() }

// interruptible returns a context that the first of the signals to end ends. A
// second one ends the process, as it would any other.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		defer signal.Stop(signals)
		select {
		case s := <-signals:
			cancel(&interrupted{s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// report prints an error, on one line, and returns its exit status.
func report(w io.Writer, err error) int {
	if err == nil {
		return 0
	}
	status, quiet := exitStatus(err)
	if !quiet {
		complain(w, err)
	}
	return status
}

// complain prints an error on one line.
func complain(w io.Writer, err error) {
	_, _ = fmt.Fprintf(w, "natslock: %s\n", oneLine(err))
}

// oneLine is the text of an error, of joined ones with semicolons between.
func oneLine(err error) string {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return text.Printable(err.Error())
	}
	var lines []string
	for _, err := range joined.Unwrap() {
		lines = append(lines, oneLine(err))
	}
	return strings.Join(lines, "; ")
}

func exitStatus(err error) (status int, quiet bool) {
	var failed *failure
	var stopped *interrupted
	var usage *usageError
	var refused *client.Error
	switch {
	case errors.As(err, &failed):
		return failed.status, failed.err == nil
	case errors.As(err, &stopped):
		return job.SignalStatus(stopped.signal), true
	case errors.As(err, &usage):
		return exitUsage, false
	case errors.Is(err, client.ErrLost):
		return exitUnavailable, false
	case errors.As(err, &refused):
		return statusOf(refused.Status), false
	}
	return exitFailed, false
}

// statusOf is the exit status for a reply.
func statusOf(s schema.Status) int {
	switch s {
	case schema.StatusGranted, schema.StatusAlready, schema.StatusReleased, schema.StatusKept, schema.StatusRenewed, schema.StatusOK:
		return 0
	case schema.StatusInvalid:
		return exitUsage
	case schema.StatusUnavailable, schema.StatusSessionExpired, schema.StatusInternal:
		return exitUnavailable
	case schema.StatusDenied, schema.StatusLimit:
		return exitDenied
	}
	return exitFailed
}

package client_test

import (
	"context"
	"log"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
)

// examples is the natslock that the examples use, started by the first.
var examples = sync.OnceValues(func() (*clienttest.Server, *exampleTB) {
	tb := new(exampleTB)
	return clienttest.New(tb), tb
})

// connect returns a connection to it.
func connect() *nats.Conn {
	s, _ := examples()
	return s.Conn()
}

// newClient returns a Client of it, and what closes that.
func newClient(opts *client.Options) (locks *client.Client, done func()) {
	nc := connect()
	locks, err := client.New(nc, opts)
	if err != nil {
		log.Fatal(err)
	}
	return locks, func() {
		if err := locks.Close(); err != nil {
			log.Print(err)
		}
		nc.Close()
	}
}

// exampleTB is what an example has instead of a *testing.T.
type exampleTB struct {
	testing.TB
	cleanups []func()
}

func (*exampleTB) Helper()                        {}
func (*exampleTB) Context() context.Context       { return context.Background() }
func (*exampleTB) Logf(format string, a ...any)   { log.Printf(format, a...) }
func (*exampleTB) Errorf(format string, a ...any) { log.Printf(format, a...) }
func (*exampleTB) Fatalf(format string, a ...any) { log.Fatalf(format, a...) }

func (tb *exampleTB) Cleanup(f func()) { tb.cleanups = append(tb.cleanups, f) }

func (tb *exampleTB) TempDir() string {
	dir, err := os.MkdirTemp("", "natslock-examples-")
	if err != nil {
		log.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			log.Print(err)
		}
	})
	return dir
}

// suite ends what the examples have begun after the last of them.
type suite struct{ *testing.M }

func (s suite) Run() int {
	defer func() {
		_, tb := examples()
		for _, f := range slices.Backward(tb.cleanups) {
			f()
		}
	}()
	return s.M.Run()
}

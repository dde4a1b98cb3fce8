// Command floor echoes events of Socket.IO, each after a write to a store such as that of
// natslock, of a record as large as a lock's: it decides nothing, so natslock can
// hardly be faster. See run.sh of the folder above.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/embedded"
	"github.com/natslock/natslock/service/gateway/socketio/engine"
	"github.com/natslock/natslock/service/gateway/socketio/socket"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "where to listen")
	data := flag.String("data", "", "directory of the store")
	flag.Parse()
	debug.SetGCPercent(400) // as natslock serve does while its heap is small
	must(run(context.Background(), *addr, *data))
}

// run serves for ever.
func run(ctx context.Context, addr, data string) error {
	s, err := embedded.Start(ctx, embedded.Config{DataDir: data, Sync: time.Second})
	if err != nil {
		return err
	}
	nc, err := s.WorkerConn()
	if err != nil {
		return err
	}
	store, err := bus.OpenBucket(ctx, nc, bus.BucketConfig{Name: "floor", FirstSeq: 1})
	if err != nil {
		return err
	}
	e := echoes{store: store}
	server, err := socket.New(socket.Config{
		Engine:         engine.Config{Origins: []string{"*"}, PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second, MaxPayload: 1_000_000},
		Namespaces:     map[string]socket.Connect{"/": e.connect},
		ConnectTimeout: 10 * time.Second,
	})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Println("floor: ready at", l.Addr())
	h := http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second}
	return h.Serve(l)
}

// echoes are what comes back when it is stored.
type echoes struct {
	store   *bus.Bucket
	sockets atomic.Int64
}

// record is what is stored: as much as a lock that one socket holds.
var record = make([]byte, 256)

// connect has the events of a socket stored under a key of its own, one at a time.
func (e *echoes) connect(s *socket.Socket) error {
	key := strconv.FormatInt(e.sockets.Add(1), 10)
	var revision atomic.Uint64
	s.On("message", func(event *socket.Event) {
		args := make([]any, len(event.Args))
		for i, arg := range event.Args {
			args[i] = arg
		}
		stored := make(chan error, 1)
		write := []bus.Write{{Key: key, Value: record, Expected: revision.Load()}}
		err := s.Go(func(context.Context) {
			e.store.Commit(write, func(r uint64, err error) {
				revision.Store(r)
				stored <- err
			})
			err := <-stored
			if err == nil {
				err = s.Emit("message-back", args...)
			}
			must(err)
		})
		must(err)
	})
	return s.Emit("auth", s.Auth())
}

// must ends the program: what is measured then is nothing.
func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

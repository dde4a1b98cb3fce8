// Command bench measures a socket.io server over websockets: how many events it
// answers in a second, and what idle connections cost it. An event is an echo, or with
// -locks a lock or an unlock of natslock, each of which counts as one. run.sh starts
// this project's echo, that of npm, and natslock, and measures them in turn.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/coder/websocket"
)

// settings say what is measured.
type settings struct {
	url     string
	sockets int           // that talk
	rest    time.Duration // how long they do
	idle    int           // that do not
	locks   bool          // is what they say, and not echoes
	pid     int           // of the server
}

func main() {
	var s settings
	flag.StringVar(&s.url, "url", "ws://127.0.0.1:3000", "of the server")
	flag.IntVar(&s.sockets, "sockets", 200, "connections that talk")
	flag.DurationVar(&s.rest, "time", 10*time.Second, "how long they do")
	flag.IntVar(&s.idle, "idle", 5000, "connections that do not")
	flag.BoolVar(&s.locks, "locks", false, "the server is natslock, and each connection locks and unlocks a lock of its own")
	flag.IntVar(&s.pid, "pid", os.Getpid(), "of the server, whose memory and time are looked at")
	flag.Parse()
	if err := run(context.Background(), s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures, and prints what it finds.
func run(ctx context.Context, s settings, out io.Writer) error {
	kind := echoes
	if s.locks {
		kind = pairs
	}
	before, err := usage(s.pid)
	if err != nil {
		return err
	}
	silent, err := connect(ctx, s.url, s.idle, kind)
	defer hangUp(silent)
	if err != nil {
		return err
	}
	idle, err := usage(s.pid)
	if err != nil {
		return err
	}
	talking, err := connect(ctx, s.url, s.sockets, kind)
	defer hangUp(talking)
	if err != nil {
		return err
	}
	begin, err := usage(s.pid)
	if err != nil {
		return err
	}
	took, err := talk(ctx, talking, kind, s.rest)
	if err != nil {
		return err
	}
	end, err := usage(s.pid)
	if err != nil {
		return err
	}
	each := float64(max(s.idle, 1))
	_, err = fmt.Fprintf(out, "%d idle: %.1f MB, %.1f kB each; %d talk: %.0f %s/s, median %v, p99 %v, %v of CPU each\n",
		s.idle, float64(idle.bytes)/1e6, float64(idle.bytes-before.bytes)/1e3/each,
		s.sockets, float64(len(took))/s.rest.Seconds(), kind.name, quantile(took, 50), quantile(took, 99),
		((end.cpu - begin.cpu) / time.Duration(len(took))).Round(100*time.Nanosecond))
	return err
}

func quantile(sorted []time.Duration, percent int) time.Duration {
	return sorted[(len(sorted)-1)*percent/100].Round(10 * time.Microsecond)
}

// connect begins connections to the root namespace.
func connect(ctx context.Context, url string, n int, kind conversation) ([]*websocket.Conn, error) {
	conns := make([]*websocket.Conn, 0, n)
	for range n {
		conn, _, err := websocket.Dial(ctx, url+"/socket.io/?EIO=4&transport=websocket", nil)
		if err != nil {
			return conns, err
		}
		conns = append(conns, conn)
		if err := conn.Write(ctx, websocket.MessageText, []byte("40")); err != nil {
			return conns, err
		}
		for range kind.greetings {
			if _, _, err := conn.Read(ctx); err != nil {
				return conns, err
			}
		}
	}
	return conns, nil
}

func hangUp(conns []*websocket.Conn) {
	for _, conn := range conns {
		_ = conn.CloseNow() // it is not needed any more
	}
}

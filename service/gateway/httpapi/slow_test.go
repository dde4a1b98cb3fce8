package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/internal/bubbletest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

// pipes is a listener within the process.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	close  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.close.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }

// dial connects.
func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// inBubble runs f with a door in a bubble, where time passes when nothing else is
// to be done.
func inBubble(t *testing.T, f func(t *testing.T, d *door, p *pipes)) {
	t.Helper()
	collect := func() { // timers in pools must not come out of a bubble
		runtime.GC()
		runtime.GC()
	}
	collect()
	defer collect()
	bubbletest.Run(t, func(t *testing.T) {
		d := &door{t: t, nats: clienttest.New(t)}
		p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		var err error
		if d.gateway, err = gateway.New(d.nats.Conn(), gateway.Config{}); err != nil {
			t.Fatal(err)
		}
		if d.server, err = httpapi.New(d.gateway, httpapi.Config{}); err != nil {
			t.Fatal(err)
		}
		d.gateway.Ready()
		served := make(chan error)
		go func() { served <- d.server.Serve(p) }()
		f(t, d, p)
		d.gateway.Drain()
		if err := d.server.Drain(context.Background()); err != nil {
			t.Error(err)
		}
		if err := errors.Join(<-served, d.gateway.Close()); err != nil {
			t.Error(err)
		}
	})
}

// send sends a text and returns the answer's head, and when it came.
func send(t *testing.T, c net.Conn, text string) (*bufio.Reader, string, time.Duration) {
	t.Helper()
	start := time.Now()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	line, _ := r.ReadString('\n')
	return r, line, time.Since(start)
}

func TestSlowHeadersAreNotAwaited(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *door, p *pipes) {
		for _, text := range []string{"G", "GET /healthz HTTP/1.1\r\nHost: door\r\n"} {
			c := p.dial()
			if _, line, took := send(t, c, text); took != 10*time.Second || line != "" && !strings.Contains(line, "400") && !strings.Contains(line, "408") {
				t.Errorf("%q after %s", line, took)
			}
			_ = c.Close()
		}
	})
}

func TestABodyThatNobodyWantsIsNotAwaited(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *door, p *pipes) {
		for _, text := range []string{
			"GET /ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
			"GET /ping HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
			"POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
		} {
			c := p.dial()
			start := time.Now()
			r, _, _ := send(t, c, text)
			_, _ = io.Copy(io.Discard, r) // until the connection is closed
			if took := time.Since(start); took > 11*time.Second {
				t.Errorf("%q: closed after %s", text, took)
			}
			_ = c.Close()
		}
	})
}

func TestASlowBodyIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *door, p *pipes) {
		c := p.dial()
		defer c.Close()
		r, line, took := send(t, c, "POST "+lockPath+"a HTTP/1.1\r\nHost: door\r\nContent-Length: 5\r\n\r\n{")
		rest, _ := io.ReadAll(r)
		if took != 10*time.Second || !strings.Contains(line, "400") || !strings.Contains(string(rest), `{"status":"invalid","message":"body: it was not there within 10s"}`) {
			t.Errorf("%q %q after %s", line, rest, took)
		}
	})
}

func TestAnIdleConnectionIsClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *door, p *pipes) {
		c := p.dial()
		defer c.Close()
		r, line, _ := send(t, c, "GET /healthz HTTP/1.1\r\nHost: door\r\n\r\n")
		start := time.Now()
		if _, err := io.ReadAll(r); err != nil || !strings.Contains(line, "200") || time.Since(start) != 2*time.Minute {
			t.Errorf("%q, closed after %s: %v", line, time.Since(start), err)
		}
	})
}

func TestAWaitOutlastsEveryTimeout(t *testing.T) {
	inBubble(t, func(t *testing.T, d *door, p *pipes) {
		held, err := d.gateway.TryAcquire(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		c := p.dial()
		defer c.Close()
		const body = `{"wait_ms":3600000}`
		go func() {
			time.Sleep(3 * time.Minute)
			if err := held.Release(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		_, line, took := send(t, c, "POST "+lockPath+"a HTTP/1.1\r\nHost: door\r\nContent-Length: 19\r\n\r\n"+body)
		if !strings.Contains(line, "200") || took < 3*time.Minute || took > 4*time.Minute {
			t.Errorf("%q after %s", line, took)
		}
	})
}

func TestReadersOfEventsHearThatNothingHappens(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *door, p *pipes) {
		c := p.dial()
		defer c.Close()
		start := time.Now()
		if _, err := io.WriteString(c, "GET /v1/realms/default/events HTTP/1.1\r\nHost: door\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		got, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(got.Body)
		for i, want := range []string{": natslock\n", "\n", ":\n", "\n", ":\n"} {
			if line, err := lines.ReadString('\n'); err != nil || line != want || time.Since(start) != time.Duration(i/2)*15*time.Second {
				t.Errorf("%q after %s: %v", line, time.Since(start), err)
			}
		}
	})
}

// TestAGrantThatCannotBeWrittenIsGivenBack has a caller that stays but takes nothing, at
// first, or after an answer that it took: net/http takes the deadlines back then.
func TestAGrantThatCannotBeWrittenIsGivenBack(t *testing.T) {
	for _, before := range []string{"", "GET /healthz HTTP/1.1\r\nHost: door\r\n\r\n"} {
		grantThatCannotBeWritten(t, before)
	}
}

func grantThatCannotBeWritten(t *testing.T, before string) {
	inBubble(t, func(t *testing.T, d *door, p *pipes) {
		c := p.dial()
		defer c.Close()
		if before != "" {
			r, _, _ := send(t, c, before)
			for line := "?"; line != "alive\n"; {
				line, _ = r.ReadString('\n')
			}
		}
		if _, err := io.WriteString(c, "POST "+lockPath+"a HTTP/1.1\r\nHost: door\r\nContent-Length: 19\r\n\r\n"+`{"ttl_ms":80000000}`); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		states, err := d.gateway.Inspect(t.Context(), "a")
		if err != nil || *states[0].Held {
			t.Errorf("%+v: %v", states, err)
		}
	})
}

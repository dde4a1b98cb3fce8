package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

// hold takes a lock past the door.
func (d *door) hold(name string) *client.Lock {
	d.t.Helper()
	l, err := d.locks.TryAcquire(d.t.Context(), name)
	if err != nil {
		d.t.Fatal(err)
	}
	return l
}

// state is how a lock stands.
func (d *door) state(name string) client.LockState {
	d.t.Helper()
	states, err := d.locks.Inspect(context.Background(), name)
	if err != nil {
		d.t.Fatal(err)
	}
	return states[0]
}

// until waits until a lock stands as it should.
func (d *door) until(name string, ok func(client.LockState) bool) {
	d.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		s := d.state(name)
		if ok(s) {
			return
		}
		if time.Now().After(end) {
			d.t.Fatalf("%+v", s)
		}
	}
}

func waiters(n int) func(client.LockState) bool {
	return func(s client.LockState) bool { return len(s.Waiters) == n }
}

func free(s client.LockState) bool { return !*s.Held && len(s.Waiters) == 0 }

// later makes a call in the background.
func (d *door) later(ctx context.Context, method, path, body string) <-chan answer {
	got := make(chan answer, 1)
	go func() {
		a, err := d.try(ctx, method, path, body)
		if err != nil {
			a.text = err.Error()
		}
		got <- a
	}()
	return got
}

func TestAWaitingCallIsAnsweredWhenItIsGranted(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	held := d.hold("a")
	got := d.later(t.Context(), "POST", lockPath+"a", `{"wait_ms":60000}`)
	d.until("a", waiters(1))
	if err := held.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := (<-got).want(t, 200, "granted")
	d.call("DELETE", lockPath+"a?token="+a.token(t), "").want(t, 200, "released")
}

func TestAWaiterThatHangsUpIsCanceled(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	held := d.hold("a")
	ctx, cancel := context.WithCancel(t.Context())
	got := d.later(ctx, "POST", lockPath+"a", `{"wait_ms":60000,"client":"c","request":"r"}`)
	d.until("a", waiters(1))
	cancel()
	<-got
	d.until("a", waiters(0))
	if err := held.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.until("a", free)
}

// A caller that closes its side only has hung up, too; but it reads what comes, and an
// empty answer with the code of success would be one.
func TestWhoHangsUpHalfwayIsAnsweredNothing(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	held := d.hold("a")
	c := d.dial()
	const body = `{"wait_ms":60000}`
	if _, err := fmt.Fprintf(c, "POST %sa HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", lockPath, len(body), body); err != nil {
		t.Fatal(err)
	}
	d.until("a", waiters(1))
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(c); err != nil || len(answer) > 0 {
		t.Errorf("%q, %v", answer, err)
	}
	d.until("a", waiters(0))
	if err := held.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.until("a", free)
}

// TestHangUps has callers hang up at every moment of a call: while it is sent, on its
// way, and while it waits. Nobody of them has the lock in the end.
func TestHangUps(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	const body = `{"wait_ms":60000,"ttl_ms":60000}`
	request := fmt.Sprintf("POST %sa HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", lockPath, len(body), body)
	for sent := 0; sent <= len(request); sent += 7 {
		c := d.dial()
		if _, err := io.WriteString(c, request[:min(sent, len(request)-1)]); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	d.until("a", free)
	for i := range 50 {
		// A call that was hung up may only now be read, and have the lock for a moment.
		held, err := d.locks.Acquire(t.Context(), "a", client.Wait(20*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		c := d.dial()
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i) * 50 * time.Microsecond) // any moment will do
		if err := errors.Join(c.Close(), held.Release(t.Context())); err != nil {
			t.Fatal(err)
		}
		d.until("a", free)
	}
}

// dial connects to the door, past all that a library does for its user.
func (d *door) dial() net.Conn {
	c, err := net.Dial("tcp", d.address)
	if err != nil {
		panic(err)
	}
	return c
}

func TestOneOfManyWins(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	const callers = 200
	got := make(chan answer, callers)
	for range callers {
		go func() {
			a, err := d.try(t.Context(), "POST", lockPath+"a", `{"ttl_ms":60000}`)
			if err != nil {
				a.text = err.Error()
			}
			got <- a
		}()
	}
	winners := 0
	for range callers {
		switch a := <-got; a.code {
		case 200:
			winners++
		case 409:
			a.want(t, 409, "held")
		default:
			t.Errorf("%+v", a)
		}
	}
	if winners != 1 {
		t.Errorf("%d winners", winners)
	}
}

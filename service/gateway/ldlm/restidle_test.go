package ldlm

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/internal/bubbletest"
	"github.com/natslock/natslock/service/gateway"
)

// inBubble runs a test whose time is not real.
func inBubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	clean := func() { // timers that nats.go keeps in pools must not reach another bubble
		runtime.GC()
		runtime.GC()
	}
	clean()
	defer clean()
	bubbletest.Run(t, test)
}

// TestRESTSessionsEndWhenIdle has sessions with and without calls, and one whose call
// takes longer than it may be idle.
func TestRESTSessionsEndWhenIdle(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := clienttest.New(t)
		d := closedDoor(t, s, s.Conn(), gateway.Config{SessionTTL: never}, Config{})
		r := d.newREST(t, time.Minute)
		defer r.Drain(t.Context())
		start := func() string {
			w := newRecorder()
			r.ask(t, w, "POST", "/session", "", "")
			return w.Result().Cookies()[0].Value
		}
		ask := func(path, body, cookie string) int {
			w := newRecorder()
			r.ask(t, w, "POST", path, body, cookie)
			return w.Code
		}
		idle, active, slow, wrong := start(), start(), start(), start()
		for name, cookie := range map[string]string{"idle": idle, "active": active, "slow": slow, "wrong": wrong} {
			if code := ask("/v1/lock", `{"name":"`+name+`"}`, cookie); code != 200 {
				t.Fatal(name, code)
			}
		}
		call := r.sessions.begin(slow)
		for range 3 {
			time.Sleep(time.Minute - time.Millisecond)
			synctest.Wait()
			if code := ask("/v1/unlock", "", active); code != 200 {
				t.Error(code)
			}
			if code := ask("/nothing", "", wrong); code != 404 {
				t.Error(code)
			}
		}
		r.sessions.finish(call)
		for name, held := range map[string]int{"idle": 0, "active": 1, "slow": 1, "wrong": 1} {
			if h := d.state(t, name).Holders; len(h) != held {
				t.Errorf("%s: %+v", name, h)
			}
		}
		if code := ask("/v1/lock", "", idle); code != 401 {
			t.Error(code)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, name := range []string{"active", "slow", "wrong"} {
			if h := d.state(t, name).Holders; len(h) != 0 {
				t.Errorf("%s: %+v", name, h)
			}
		}
		if n := len(r.sessions.open); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

// recorder records an answer.
type recorder struct{ *httptest.ResponseRecorder }

func newRecorder() recorder { return recorder{httptest.NewRecorder()} }

// SetReadDeadline does nothing.
func (recorder) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (recorder) SetWriteDeadline(time.Time) error { return nil }

// FlushError does nothing.
func (recorder) FlushError() error { return nil }

// cut takes no answer.
type cut struct{ header http.Header }

// Header returns the header.
func (c cut) Header() http.Header { return c.header }

// WriteHeader does nothing.
func (cut) WriteHeader(int) {}

// Write fails.
func (cut) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// FlushError fails.
func (cut) FlushError() error { return io.ErrClosedPipe }

// SetReadDeadline does nothing.
func (cut) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (cut) SetWriteDeadline(time.Time) error { return nil }

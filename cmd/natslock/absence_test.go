package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/internal/bubbletest"
)

func TestAbsenceIsCountedWhileItLasts(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		var a absence
		is := func(want time.Duration) {
			t.Helper()
			if got := a.until(time.Now()); got != want {
				t.Errorf("away for %s, want %s", got, want)
			}
		}
		after := func(d time.Duration, there bool) {
			time.Sleep(d)
			a.change(there, time.Now())
		}
		after(time.Second, true)
		is(0)
		after(time.Second, false)
		after(time.Second, false) // lost, and then sought
		is(time.Second)
		after(2*time.Second, true)
		after(time.Minute, true)
		is(3 * time.Second)
		after(0, false)
		time.Sleep(time.Second)
		is(4 * time.Second)
	})
}

func TestWaitKnowsThatItsConnectionWasLost(t *testing.T) {
	s := startServe(t, "--data", t.TempDir(), "--nats", "127.0.0.1:0", "--sync", "1h")
	c := caller{Server: s.logged(t, "nats listens", "url"), Realm: "default"}
	locks, err := c.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer locks.close()
	w := c.wait(t.Context(), &system{}, locks, []string{"x"}, "o", true)
	if away := w.absence.until(time.Now()); away != 0 {
		t.Errorf("away for %s", away)
	}
	lost := locks.nc.StatusChanged(nats.RECONNECTING)
	defer locks.nc.RemoveStatusListener(lost)
	s.stop(t, syscall.SIGKILL)
	<-lost
	for w.absence.until(time.Now()) == 0 {
		time.Sleep(time.Millisecond) // it is told in no order
	}
	w.end(&system{}, false)
}

func TestWaitInVainSaysWhatHappened(t *testing.T) {
	for _, c := range []struct {
		asked, waited, away time.Duration
		silent              bool
		want                string
	}{
		{8 * time.Second, 8 * time.Second, 0, false, "not granted within 8s"},
		{8 * time.Second, 8200 * time.Millisecond, 3 * time.Second, false, "not granted within 8s: waited 8.2s, 3s of it without a connection to the service"},
		{time.Minute, 65 * time.Second, time.Minute, true, "not granted within 1m0s: waited 1m5s, 1m of it without a connection to the service; nobody answers now"},
		{time.Minute, 65 * time.Second, 0, true, "not granted within 1m0s; nobody answers now"},
	} {
		if got := inVain(c.asked, c.waited, c.away, c.silent); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

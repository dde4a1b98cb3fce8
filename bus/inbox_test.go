package bus_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/natslock/natslock/bus"
)

func TestOnlySafeInboxesAreSafe(t *testing.T) {
	safe := []string{
		"_INBOX.x", "_INBOX.abc.def", "reply", "a.b.c", "_R_.x.y", "my-app.reply", "Lock.x", "locks.x", "lockx", "lockevents",
		"é.ü", "a$b", "a.$KV.b", "x.lock.y", strings.Repeat("x", bus.MaxInbox),
	}
	unsafe := []string{
		"", ".", "a.", ".a", "a..b", "a b", "a\tb", "a\r\nPUB x 0", "a\x00", "a\x7f", " ", "a.*", "*", ">", "a.>", "a*b", "a>b",
		"$", "$KV.natslock_locks.k", "$JS.API.STREAM.DELETE.KV_natslock_locks", "$JS.ACK.x", "$SYS.REQ.SERVER.PING", "$SRV.PING",
		"$NATSLOCK.undo.x", "$O.x", "$G", "lock", "lock.", "lock.r.acquire", "lock.r.release.c", "lockevent", "lockevent.r.granted",
		strings.Repeat("x", bus.MaxInbox+1), strings.Repeat("a.", 2048),
	}
	for _, s := range safe {
		if !bus.SafeInbox(s) {
			t.Errorf("%.60q is refused", s)
		}
	}
	for _, s := range unsafe {
		if bus.SafeInbox(s) {
			t.Errorf("%.60q is allowed", s)
		}
	}
}

func FuzzSafeInbox(f *testing.F) {
	for _, s := range []string{"_INBOX.x", "$KV.x", "lock.a", "a..b", "a.*", "a b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, subject string) {
		if !bus.SafeInbox(subject) {
			return
		}
		tokens := strings.Split(subject, ".")
		for _, token := range tokens {
			if token == "" || strings.ContainsAny(token, "*> \t\r\n\x00") {
				t.Errorf("%q is no subject to publish to", subject)
			}
		}
		if len(subject) > bus.MaxInbox || subject[0] == '$' || tokens[0] == "lock" || tokens[0] == "lockevent" {
			t.Errorf("%q is not safe", subject)
		}
	})
}

func TestNoAnswerGoesToAnUnsafeInbox(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	b := openBucket(t, nc, bus.BucketConfig{})
	for _, inbox := range []string{"$KV.natslock_locks.k", "", "a b", ">"} {
		if err := bus.Respond(nc, inbox, bus.Response{Body: []byte("x")}); !errors.Is(err, bus.ErrUnsafeInbox) {
			t.Errorf("%q: error %v", inbox, err)
		}
	}
	if e, err := b.Load(t.Context(), "k"); err != nil || e.Revision != 0 {
		t.Errorf("loaded %+v, %v", e, err)
	}
}

func TestATooLargeAnswerIsRefused(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	if err := bus.Respond(nc, "x", bus.Response{Body: make([]byte, 2<<20)}); !errors.Is(err, bus.ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	if err := bus.PublishEvent(nc, "lockevent.r.granted", make([]byte, 2<<20)); !errors.Is(err, bus.ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	nc.Close()
	if err := bus.Respond(nc, "x", bus.Response{}); !errors.Is(err, bus.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}

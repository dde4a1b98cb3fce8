package engine

import (
	"errors"
	"testing"
	"time"
)

var epoch = time.Unix(1_000_000, 0)

func at(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }

// newCore is a core that pings after 300 ms and waits 200 ms for a pong.
func newCore() *core {
	return &core{
		heart: newHeart(300*time.Millisecond, 200*time.Millisecond, epoch),
		out:   queue{limit: 1000},
	}
}

func message(text string) packet { return packet{kind: kindMessage, data: []byte(text)} }

// wantAnswer wants the GET that waits to be answered with this payload.
func wantAnswer(t *testing.T, c *core, now time.Time, want string) {
	t.Helper()
	r, ok := c.answer(now)
	if got := string(payload(r.packets)); !ok || r.refused != nil || got != want {
		t.Errorf("answer %q, %v, %v; want %q", got, r.refused, ok, want)
	}
}

func wantNoAnswer(t *testing.T, c *core, now time.Time) {
	t.Helper()
	if r, ok := c.answer(now); ok {
		t.Errorf("answer %q, %v", payload(r.packets), r.refused)
	}
}

func wantPhase(t *testing.T, c *core, want phase, reason error) {
	t.Helper()
	if c.phase != want || !errors.Is(c.reason, reason) {
		t.Errorf("phase %d, reason %v; want %d, %v", c.phase, c.reason, want, reason)
	}
}

func TestAPingIsDueAnIntervalAfterThePong(t *testing.T) {
	h := newHeart(300*time.Millisecond, 200*time.Millisecond, epoch)
	for _, step := range []struct {
		ms   int
		pong bool
		want beat
		next int
	}{
		{ms: 299, want: beatNone, next: 300},
		{ms: 300, want: beatPing, next: 500},
		{ms: 499, want: beatNone, next: 500},
		{ms: 499, pong: true, want: beatNone, next: 799},
		{ms: 500, pong: true, want: beatNone, next: 799}, // nobody asked
		{ms: 798, want: beatNone, next: 799},
		{ms: 850, want: beatPing, next: 999}, // late, but not for the client
		{ms: 999, want: beatDead, next: 999},
	} {
		if step.pong {
			h.pong(at(step.ms))
		}
		if got := h.tick(at(step.ms)); got != step.want || !h.next().Equal(at(step.next)) {
			t.Errorf("at %d: %v, next in %v", step.ms, got, h.next().Sub(epoch))
		}
	}
}

func TestAPingThatNobodyCouldSendIsLate(t *testing.T) {
	h := newHeart(300*time.Millisecond, 200*time.Millisecond, epoch)
	if got := h.tick(at(500)); got != beatDead {
		t.Errorf("beat %v", got)
	}
}

func TestARequestAfterTheDeadlineIsRefusedWhereTheTimerIsLate(t *testing.T) {
	for name, ask := range map[string]func(*core) error{
		"GET":  func(c *core) error { return c.poll(at(500)) },
		"POST": func(c *core) error { return c.post(at(500)) },
	} {
		c := newCore()
		if err := ask(c); !errors.Is(err, ErrUnknownSession) {
			t.Errorf("%s: %v", name, err)
		}
		wantPhase(t, c, gone, ErrPingTimeout)
	}
}

func TestAGetWaitsForOutput(t *testing.T) {
	c := newCore()
	if err := c.poll(at(0)); err != nil {
		t.Fatal(err)
	}
	wantNoAnswer(t, c, at(0))
	if err := c.send(at(1), []packet{message("a"), message("b")}); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, c, at(1), "4a\x1e4b")
	wantNoAnswer(t, c, at(1))
	if err := c.poll(at(2)); err != nil {
		t.Fatal(err)
	}
	c.tick(at(300))
	wantAnswer(t, c, at(300), "2")
}

func TestASecondGetEndsTheSession(t *testing.T) {
	c := newCore()
	_ = c.poll(at(0))
	if err := c.poll(at(1)); !errors.Is(err, ErrBadRequest) {
		t.Errorf("second GET: %v", err)
	}
	wantAnswer(t, c, at(1), "1")
	wantPhase(t, c, gone, ErrConcurrent)
	if err := c.poll(at(2)); !errors.Is(err, ErrUnknownSession) {
		t.Errorf("third GET: %v", err)
	}
}

func TestASecondPostEndsTheSession(t *testing.T) {
	c := newCore()
	_ = c.post(at(0))
	if err := c.post(at(1)); !errors.Is(err, ErrBadRequest) {
		t.Errorf("second POST: %v", err)
	}
	wantPhase(t, c, gone, ErrConcurrent)
}

func TestAClientThatClosesMayStillPoll(t *testing.T) {
	for name, polls := range map[string]bool{"before": true, "after": false} {
		c := newCore()
		if polls {
			_ = c.poll(at(0))
		}
		if deliver, err := c.receive(at(1), packet{kind: kindClose}); deliver || err != nil {
			t.Errorf("%s: close: %v, %v", name, deliver, err)
		}
		wantPhase(t, c, leaving, ErrClientClosed)
		if !polls {
			if err := c.poll(at(50)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		wantAnswer(t, c, at(50), "6")
		wantPhase(t, c, gone, ErrClientClosed)
	}
	c := newCore()
	_, _ = c.receive(at(1), packet{kind: kindClose})
	if err := c.poll(at(102)); !errors.Is(err, ErrUnknownSession) {
		t.Errorf("long after: %v", err)
	}
}

func TestWhatAClientMustNotSendEndsTheSession(t *testing.T) {
	for _, k := range []kind{kindOpen, kindPing, kindUpgrade} {
		c := newCore()
		_ = c.poll(at(0))
		if deliver, err := c.receive(at(1), packet{kind: k}); deliver || !errors.Is(err, ErrPacket) {
			t.Errorf("%c: %v, %v", k, deliver, err)
		}
		wantAnswer(t, c, at(1), "1")
		wantPhase(t, c, gone, ErrPacket)
	}
}

func TestWhatIsLeftIsReadBeforeTheFarewell(t *testing.T) {
	c := newCore()
	_ = c.send(at(0), []packet{message("bye")})
	c.end(at(0), ending{reason: ErrClosed, farewell: kindClose, linger: time.Second})
	wantPhase(t, c, leaving, ErrClosed)
	if err := c.send(at(1), []packet{message("more")}); !errors.Is(err, ErrClosed) {
		t.Errorf("send: %v", err)
	}
	if err := c.post(at(2)); !errors.Is(err, ErrUnknownSession) {
		t.Errorf("post: %v", err)
	}
	c.end(at(2), broken(ErrTransport)) // the first reason counts
	if err := c.poll(at(998)); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, c, at(998), "4bye")
	wantPhase(t, c, leaving, ErrClosed)
	if err := c.poll(at(999)); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, c, at(999), "1")
	wantPhase(t, c, gone, ErrClosed)
}

func TestASessionThatLeavesIsGoneInTime(t *testing.T) {
	c := newCore()
	c.end(at(0), ending{reason: ErrClosed, farewell: kindClose, linger: time.Second})
	c.tick(at(999))
	wantPhase(t, c, leaving, ErrClosed)
	if next := c.next(); !next.Equal(at(1000)) {
		t.Errorf("next %v", next)
	}
	c.tick(at(1000))
	wantPhase(t, c, gone, ErrClosed)
	if next := c.next(); !next.IsZero() {
		t.Errorf("next %v", next)
	}
}

func TestAnUpgradeReleasesTheGet(t *testing.T) {
	c := newCore()
	_ = c.poll(at(0))
	if !c.claim(at(1)) || c.claim(at(1)) {
		t.Error("not one websocket may take over")
	}
	wantNoAnswer(t, c, at(1))
	c.probe(at(2))
	wantAnswer(t, c, at(2), "6")
	_ = c.poll(at(3))
	wantNoAnswer(t, c, at(3)) // perhaps the websocket takes over right now
	if next := c.next(); !next.Equal(at(103)) {
		t.Errorf("next %v", next)
	}
	wantAnswer(t, c, at(103), "6")
	_ = c.send(at(104), []packet{message("while probing")})
	_ = c.poll(at(105))
	wantAnswer(t, c, at(105), "4while probing")
	_ = c.poll(at(106))
	if err := c.upgrade(at(107)); err != nil {
		t.Fatal(err)
	}
	if r, ok := c.answer(at(107)); !ok || !errors.Is(r.refused, ErrBadRequest) {
		t.Errorf("GET after the upgrade: %v", r.refused)
	}
	for name, err := range map[string]error{"GET": c.poll(at(108)), "POST": c.post(at(108))} {
		if !errors.Is(err, ErrBadRequest) {
			t.Errorf("%s after the upgrade: %v", name, err)
		}
	}
	if c.claim(at(108)) {
		t.Error("a second upgrade")
	}
	wantPhase(t, c, alive, nil)
}

func TestAnUpgradeThatFailsLeavesPolling(t *testing.T) {
	c := newCore()
	c.claim(at(0))
	c.probe(at(0))
	_ = c.poll(at(1))
	c.unclaim()
	wantNoAnswer(t, c, at(200))
	if !c.claim(at(2)) {
		t.Error("no second try")
	}
	c.end(at(3), broken(ErrPacket))
	wantAnswer(t, c, at(3), "1")
	if err := c.upgrade(at(4)); !errors.Is(err, ErrPacket) {
		t.Errorf("upgrade of what is gone: %v", err)
	}
}

func TestOutputIsBounded(t *testing.T) {
	q := queue{limit: 100}
	if !q.push(message("much more than is allowed, and still it is taken since nothing else waits for the client to read it: a long one")) {
		t.Error("a large message alone")
	}
	q.take()
	if q.push(message("")) {
		t.Error("a message while a large one is written")
	}
	q.written()
	for i := range 3 {
		if !q.push(message("")) {
			t.Errorf("message %d", i)
		}
	}
	if q.push(message("12345")) {
		t.Error("one byte too much")
	}
	q.control(packet{kind: kindPing})
	if n := len(q.take()); n != 4 {
		t.Errorf("%d packets", n)
	}
	c := newCore()
	c.out.limit = 50
	_ = c.send(at(0), []packet{message("")})
	if err := c.send(at(0), []packet{message("")}); !errors.Is(err, ErrSlowReader) {
		t.Errorf("send: %v", err)
	}
	wantPhase(t, c, gone, ErrSlowReader)
}

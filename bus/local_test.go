package bus_test

import (
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/embedded"
)

// joined is a service and a caller of one process.
type joined struct {
	server  *embedded.Server
	local   bus.Local
	nc      *nats.Conn // the service's
	service *bus.Service
	caller  *bus.Caller
}

func join(t *testing.T, handle func(*joined, *bus.Request)) *joined {
	t.Helper()
	j := &joined{server: startServer(t, t.TempDir(), "")}
	j.nc = workerConn(t, j.server)
	var err error
	j.service, err = bus.Serve(j.nc, bus.ServiceConfig{
		Name: "natslock", Version: "1.2.3", Local: &j.local,
		Endpoints: []bus.Endpoint{{Name: "ask", Subject: "ask.*.it", Handler: func(r *bus.Request) { handle(j, r) }}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.service.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	if j.caller, err = bus.NewCaller(callerConn(t, j.server), &j.local); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.caller.Close(); err != nil {
			t.Errorf("close caller: %v", err)
		}
	})
	return j
}

// answer answers in kind.
func (j *joined) answer(t *testing.T, r *bus.Request) {
	if r.Given != nil {
		if !j.local.Answer(r.Reply, r.Given) {
			t.Error("a caller that waits is not known")
		}
		return
	}
	if err := bus.Respond(j.nc, r.Reply, bus.Response{Body: r.Body}); err != nil {
		t.Error(err)
	}
}

func TestWhatIsHandedOverDoesNotPassTheServer(t *testing.T) {
	j := join(t, func(j *joined, r *bus.Request) { j.answer(t, r) })
	before := j.nc.Stats()
	e := j.caller.Open()
	defer e.Close()
	given := &struct{ n int }{7}
	if !e.Hand("ask.me.it", given) {
		t.Fatal("nobody took it")
	}
	if a := waitFor(t, e.Answers()); a.Given != given || a.Body != nil || a.Err != nil {
		t.Errorf("answered %+v", a)
	}
	if after := j.nc.Stats(); after.InMsgs != before.InMsgs || after.OutMsgs != before.OutMsgs {
		t.Errorf("messages went over the connection: %+v, then %+v", before, after)
	}
	// A repeat goes over the server, as encoded.
	if err := e.Send("ask.me.it", "", []byte("again")); err != nil {
		t.Fatal(err)
	}
	if a := waitFor(t, e.Answers()); string(a.Body) != "again" || a.Given != nil {
		t.Errorf("answered %+v", a)
	}
}

func TestOnlyItsSubjectsAreHandedOver(t *testing.T) {
	j := join(t, func(j *joined, r *bus.Request) { j.answer(t, r) })
	for subject, want := range map[string]bool{
		"ask.me.it": true, "ask.you.it": true, "ask.me.that": false, "ask.it": false, "ask.me.it.now": false, "ask..it": false, "": false,
	} {
		e := j.caller.Open()
		if got := e.Hand(subject, 1); got != want {
			t.Errorf("%q: %t", subject, got)
		} else if got {
			waitFor(t, e.Answers())
		}
		e.Close()
	}
	var nobody bus.Local
	for _, l := range []*bus.Local{&nobody, nil, &j.local} {
		if l.Answer("_INBOX.x.1", 1) {
			t.Error("answered nobody")
		}
	}
}

// Who has handed over and hears nothing is told so, once, and then hears the answer.
func TestThereIsNoAnswerYet(t *testing.T) {
	handed := make(chan *bus.Request, 1)
	j := join(t, func(_ *joined, r *bus.Request) { handed <- r })
	for range 3 { // the timer begins anew
		e := j.caller.Open()
		if !e.Hand("ask.me.it", 1) {
			t.Fatal("nobody took it")
		}
		if a := waitFor(t, e.Answers()); !errors.Is(a.Err, bus.ErrNotYet) {
			t.Fatalf("answered %+v", a)
		}
		if !j.local.Answer((<-handed).Reply, 2) {
			t.Fatal("the caller is not known")
		}
		if a := waitFor(t, e.Answers()); a.Given != 2 {
			t.Errorf("answered %+v", a)
		}
		e.Close()
	}
}

// A Caller that is closed leaves nobody behind who waits for an answer alone.
func TestThereWillBeNoAnswer(t *testing.T) {
	j := join(t, func(*joined, *bus.Request) {})
	before := j.caller.Open()
	if !before.Hand("ask.me.it", 1) {
		t.Fatal("nobody took it")
	}
	if err := j.caller.Close(); err != nil {
		t.Fatal(err)
	}
	after := j.caller.Open()
	after.Hand("ask.me.it", 1) // may be taken: the connection is there
	for _, e := range []*bus.Exchange{before, after} {
		if a := waitFor(t, e.Answers()); !errors.Is(a.Err, bus.ErrNotYet) {
			t.Errorf("answered %+v", a)
		}
	}
}

// Nobody who hands over waits for the handler, nor for a service that has too much to do.
func TestWhoHandsOverDoesNotWait(t *testing.T) {
	goOn := make(chan struct{})
	j := join(t, func(*joined, *bus.Request) { <-goOn })
	defer close(goOn)
	e := j.caller.Open()
	defer e.Close()
	n := 0
	for n < 1_000_000 && e.Hand("ask.me.it", 1) {
		n++
	}
	if n < 10 || n > 1000 {
		t.Errorf("it has taken %d", n)
	}
}

func TestAServiceThatStopsHandlesWhatWasHandedOver(t *testing.T) {
	const requests = 20
	goOn := make(chan struct{})
	var handled atomic.Int64
	j := join(t, func(*joined, *bus.Request) {
		<-goOn
		handled.Add(1)
	})
	e := j.caller.Open()
	defer e.Close()
	for range requests {
		if !e.Hand("ask.me.it", 1) {
			t.Fatal("nobody took it")
		}
	}
	stopped := make(chan int64)
	go func() {
		if err := j.service.Stop(); err != nil {
			t.Error(err)
		}
		stopped <- handled.Load()
	}()
	for e.Hand("ask.me.that", 1) || e.Hand("ask.me.it", 1) { // until it has begun to stop
		runtime.Gosched()
	}
	select {
	case <-stopped:
		t.Error("it has stopped before they were handled")
	case <-time.After(50 * time.Millisecond):
	}
	close(goOn)
	if n := waitFor(t, stopped); n < requests {
		t.Errorf("it stopped with %d of %d handled", n, requests)
	}
	if e.Hand("ask.me.it", 1) {
		t.Error("it was handed a request after it had stopped")
	}
}

func TestACallerThatIsClosedIsAnsweredNothing(t *testing.T) {
	inboxes := make(chan string, 1)
	j := join(t, func(_ *joined, r *bus.Request) { inboxes <- r.Reply })
	e := j.caller.Open()
	defer e.Close()
	if !e.Hand("ask.me.it", 1) {
		t.Fatal("nobody took it")
	}
	inbox := waitFor(t, inboxes)
	if !j.local.Answer(inbox, "one") || waitFor(t, e.Answers()).Given != "one" {
		t.Error("not answered")
	}
	if err := j.caller.Close(); err != nil {
		t.Fatal(err)
	}
	if j.local.Answer(inbox, "two") {
		t.Error("answered a caller that is closed")
	}
}

func TestACallerWhoseConnectionIsClosedIsAnsweredNothing(t *testing.T) {
	var local bus.Local
	server := startServer(t, t.TempDir(), "")
	nc := callerConn(t, server)
	c, err := bus.NewCaller(nc, &local)
	if err != nil {
		t.Fatal(err)
	}
	inboxes := make(chan string, 1)
	s, err := bus.Serve(workerConn(t, server), bus.ServiceConfig{
		Name: "natslock", Version: "1.2.3", Local: &local,
		Endpoints: []bus.Endpoint{{Name: "ask", Subject: "ask", Handler: func(r *bus.Request) { inboxes <- r.Reply }}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Stop() }()
	e := c.Open()
	defer e.Close()
	if !e.Hand("ask", 1) {
		t.Fatal("nobody took it")
	}
	lost := c.Disconnected()
	nc.Close()
	waitFor(t, lost)
	if local.Answer(waitFor(t, inboxes), 1) {
		t.Error("answered a caller whose connection is closed")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// The service's connection is away, and the caller's is not.
func TestAServiceIsHandedSomethingWhileItHasAConnection(t *testing.T) {
	var local bus.Local
	theirs, ours := startServer(t, t.TempDir(), "127.0.0.1:0"), startServer(t, t.TempDir(), "")
	url := theirs.ClientURL()
	s, err := bus.Serve(connect(t, url), bus.ServiceConfig{
		Name: "natslock", Version: "1.2.3", Local: &local,
		Endpoints: []bus.Endpoint{{Name: "ask", Subject: "ask", Handler: func(*bus.Request) {}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Stop() }()
	c, err := bus.NewCaller(callerConn(t, ours), &local)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	e := c.Open()
	defer e.Close()
	until := func(taken bool) {
		t.Helper()
		for deadline := time.Now().Add(patience); e.Hand("ask", 1) != taken; runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatalf("it is not %t that it is handed requests", taken)
			}
		}
	}
	until(true)
	if err := theirs.Shutdown(); err != nil {
		t.Fatal(err)
	}
	until(false)
	startServer(t, t.TempDir(), strings.TrimPrefix(url, "nats://"))
	until(true)
}

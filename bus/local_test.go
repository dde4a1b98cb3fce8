package bus_test

import (
	"os"
	"os/exec"
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
		if known, heard := j.local.Answer(r.Reply, r.Given); !known || !heard {
			t.Errorf("a caller that waits: known %t, heard %t", known, heard)
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
		}
		e.Close()
	}
	var nobody bus.Local
	for _, l := range []*bus.Local{&nobody, nil, &j.local} {
		if known, heard := l.Answer("_INBOX.x.1", 1); known || heard {
			t.Error("answered nobody")
		}
	}
}

func TestAServiceThatHasStoppedIsHandedNothing(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	var handled atomic.Bool
	j := join(t, func(*joined, *bus.Request) {
		close(begun)
		<-goOn
		handled.Store(true)
	})
	first := j.caller.Open()
	defer first.Close()
	handed := make(chan bool)
	go func() { handed <- first.Hand("ask.me.it", 1) }()
	waitFor(t, begun)
	stopped := make(chan bool)
	go func() {
		if err := j.service.Stop(); err != nil {
			t.Error(err)
		}
		stopped <- handled.Load()
	}()
	close(goOn)
	if !waitFor(t, handed) || !waitFor(t, stopped) {
		t.Error("it stopped while a request was handled")
	}
	second := j.caller.Open()
	defer second.Close()
	if second.Hand("ask.me.it", 1) {
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
	if _, heard := j.local.Answer(inbox, "one"); !heard || waitFor(t, e.Answers()).Given != "one" {
		t.Error("not answered")
	}
	if known, heard := j.local.Answer(inbox, "two"); !known || heard {
		t.Errorf("a caller that waits no more: known %t, heard %t", known, heard)
	}
	if err := j.caller.Close(); err != nil {
		t.Fatal(err)
	}
	if known, _ := j.local.Answer(inbox, "three"); known {
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
	if known, _ := local.Answer(waitFor(t, inboxes), 1); known {
		t.Error("answered a caller whose connection is closed")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// The service's connection is away, and the caller's is not.
func TestAServiceWithoutAConnectionIsHandedNothing(t *testing.T) {
	var local bus.Local
	theirs, ours := startServer(t, t.TempDir(), ""), startServer(t, t.TempDir(), "")
	nc := workerConn(t, theirs)
	s, err := bus.Serve(nc, bus.ServiceConfig{
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
	if !e.Hand("ask", 1) {
		t.Fatal("nobody took it")
	}
	if err := theirs.Shutdown(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(patience)
	for e.Hand("ask", 1) {
		if time.Now().After(deadline) {
			t.Fatal("it is handed what it cannot answer")
		}
		runtime.Gosched()
	}
}

// A caller may recover from what it takes for a fault of its own.
func TestAFaultOfAHandlerEndsTheProcess(t *testing.T) {
	if os.Getenv("NATSLOCK_TEST_FAULT") != "" {
		j := join(t, func(*joined, *bus.Request) { panic("a fault of the handler") })
		defer func() { _ = recover() }()
		j.caller.Open().Hand("ask.me.it", 1)
		return
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	again.Env = append(os.Environ(), "NATSLOCK_TEST_FAULT=1")
	out, err := again.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "panic: a fault of the handler") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestWithoutAConnectionNothingIsHandedOver(t *testing.T) {
	j := join(t, func(*joined, *bus.Request) { t.Error("handled") })
	e := j.caller.Open()
	defer e.Close()
	lost := j.caller.Disconnected()
	if err := j.server.Shutdown(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, lost)
	if e.Hand("ask.me.it", 1) {
		t.Error("handed over")
	}
}

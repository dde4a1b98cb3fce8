package httpapi

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/natslock/natslock/schema"
)

// alive answers as long as this process can.
func (x *exchange) alive() { x.say("alive\n") }

// say answers with a line for people.
func (x *exchange) say(text string) {
	_ = x.send(http.StatusOK, isText, []byte(text)) // who asks again is told the same
}

// ready answers whether calls are taken and the store can be asked. One that is
// nearly full is ready: who keeps calls away from it keeps releases away, too.
func (x *exchange) ready() {
	if err := x.server.gateway.Open(); err != nil {
		x.unavailable(err)
		return
	}
	if err := x.server.probe.look(x.server.gateway.Probe); err != nil {
		x.unavailable(err)
		return
	}
	switch nearly, quite := x.server.config.Full(); {
	case quite:
		x.unavailable(errFull)
	case nearly:
		x.say("ready, but the store is nearly full: nothing new is locked until there is room\n")
	default:
		x.say("ready\n")
	}
}

var errFull = errors.New("the store is full: nothing is decided until there is room")

// probeFor is how long an answer about the store is good for: asking often does
// not cost the store more.
const probeFor = time.Second

// probe remembers how the store was when it was last asked.
type probe struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

// look asks, unless it has just been asked.
func (p *probe) look(ask func(context.Context) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at.IsZero() || time.Since(p.at) >= probeFor {
		p.err = ask(context.Background())
		p.at = time.Now()
	}
	return p.err
}

func (x *exchange) metrics() {
	if x.server.config.Metrics == nil {
		x.refuseWith(http.StatusNotFound, schema.StatusInvalid, "path: no metrics here")
		return
	}
	x.code = http.StatusOK
	x.server.config.Metrics.ServeHTTP(x.w, x.r)
}

func (x *exchange) describe() {
	_ = x.send(http.StatusOK, isJSON, x.server.openapi) // who asks again is told the same
}

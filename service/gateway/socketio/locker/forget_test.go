package locker_test

import (
	"bytes"
	"net"
	"regexp"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/socketio/locker"
)

// tap keeps what is sent to the service.
type tap struct {
	to   nats.InProcessConnProvider
	mu   sync.Mutex
	sent bytes.Buffer
}

type tapped struct {
	net.Conn
	by *tap
}

func (p *tap) InProcessConn() (net.Conn, error) {
	conn, err := p.to.InProcessConn()
	return tapped{conn, p}, err
}

func (c tapped) Write(sent []byte) (int, error) {
	c.by.mu.Lock()
	defer c.by.mu.Unlock()
	c.by.sent.Write(sent)
	return c.Conn.Write(sent)
}

// texts are those that were sent under a key, in MessagePack.
func (p *tap) texts(key string) (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range regexp.MustCompile(key+`[^A-Z0-9]{1,2}([A-Z0-9]+-[a-z0-9]+)`).FindAllSubmatch(p.sent.Bytes(), -1) {
		all = append(all, string(m[1]))
	}
	return all
}

// What a socket has locked by one request is not remembered once it is unlocked: a busy
// lock's record would be full of it.
func TestAnUnlockForgetsWhatIsNotSentAgain(t *testing.T) {
	s := clienttest.New(t)
	p := &tap{to: s.Conn().Opts.InProcessServer}
	d := open(t, s.Conn(nats.InProcessServer(p)), gateway.Limits{}, locker.Config{})
	a, b := d.tab("ann"), d.tab("ann")
	for n := range 2 {
		a.until("lock", please, `"locked"`)
		a.until("unlock", please, `"unlock"`)
		asked, forgotten := p.texts("request"), p.texts("forget")
		if len(asked) != n+1 || len(forgotten) != n+1 || asked[n] != forgotten[n] {
			t.Errorf("forgotten are %q of %q", forgotten, asked)
		}
	}

	a.ask("lock", please)
	b.ask("lock", please) // which has not made the hold
	a.ask("unlock", please)
	b.ask("unlock", please)
	if asked, forgotten := p.texts("request"), p.texts("forget"); len(forgotten) != 3 || forgotten[2] != asked[2] {
		t.Errorf("forgotten are %q of %q", forgotten, asked)
	}
}

package lockd_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/gatewaytest"
	"github.com/natslock/natslock/service/gateway/lockd"
)

func TestLocksAreThoseOfTheService(t *testing.T) {
	s := clienttest.New(t)
	d := openCluster(t, s)
	exclusive, shared := s.Client(&client.Options{Realm: "lockd", Label: "somebody"}), s.Client(&client.Options{Realm: "lockd-shared", Label: "another"})
	a := dial(t, d.tcp)
	address := a.LocalAddr().String()
	a.ask(t, "g x")
	a.ask(t, "g ")
	a.ask(t, "sg x")
	for _, c := range []struct {
		of   *client.Client
		name string
		mode schema.Mode
	}{{exclusive, "x", schema.ModeExclusive}, {exclusive, " ", schema.ModeExclusive}, {shared, "x", schema.ModeShared}} {
		states, err := c.of.Inspect(t.Context(), c.name)
		if err != nil {
			t.Fatal(err)
		}
		l := states[0]
		if l.Mode != c.mode || len(l.Holders) != 1 {
			t.Fatalf("%+v", l)
		}
		h := l.Holders[0]
		if h.Client != address || len(h.Sessions) != 1 || h.Owner != h.Sessions[0] || h.TTL != 0 {
			t.Errorf("%s: %+v", c.name, h)
		}
	}
	if _, err := exclusive.TryAcquire(t.Context(), "y"); err != nil {
		t.Fatal(err)
	}
	if _, err := shared.TryAcquire(t.Context(), "x", client.Shared()); err != nil {
		t.Fatal(err)
	}
	if got := a.ask(t, "g y"); got != "0 Lock Get Failure: y" {
		t.Error(got)
	}
	if got := a.ask(t, "si x"); got != "2 Shared Lock Is Locked: x" {
		t.Error(got)
	}
	a.send(t, "d\nsd\ndump")
	a.expect(t, fmt.Sprintf(": %s\nx: %[1]s\ny: somebody\nx: %[1]s\nx: another\n"+`{"":"%[1]s","x":"%[1]s","y":"somebody"}`+"\n", address))
}

func TestGatewaysSeeEachOthersLocks(t *testing.T) {
	s := clienttest.New(t)
	one, two := openCluster(t, s), openCluster(t, s)
	a, b := dial(t, one.tcp), dial(t, two.tcp)
	address := a.LocalAddr().String()
	for _, c := range []struct {
		by        *streamed
		ask, want string
	}{
		{a, "iam ann", "1 ok"},
		{a, "g x", "1 Lock Get Success: x"},
		{a, "sg s", "1 Shared Lock Get Success: s"},
		{b, "g x", "0 Lock Get Failure: x"},
		{b, "i x", "1 Lock Is Locked: x"},
		{b, "r x", "0 Lock Release Failure: x"},
		{b, "sg s", "2 Shared Lock Get Success: s"},
		{b, "d", "x: " + address}, // names are of one gateway
		{a, "d", "x: ann"},
		{b, "dump", `{"x":"` + address + `"}`},
		{b, "dump shared", `{"s":["` + address + `","` + b.LocalAddr().String() + `"]}`},
	} {
		if got := c.by.ask(t, c.ask); got != c.want {
			t.Errorf("%s: %q, want %q", c.ask, got, c.want)
		}
	}
	a.hangUp()
	for b.ask(t, "g x") != "1 Lock Get Success: x" {
		continue // until it is released
	}
	if got := b.ask(t, "si s"); got != "1 Shared Lock Is Locked: s" {
		t.Error(got)
	}
}

// TestUnixSocketsOfTwoGateways has two connections of the same name at two gateways.
func TestUnixSocketsOfTwoGateways(t *testing.T) {
	s := clienttest.New(t)
	one, two := openCluster(t, s), openCluster(t, s)
	a, b := dial(t, one.unix), dial(t, two.unix)
	a.ask(t, "g x")
	if got := b.ask(t, "g x"); got != "0 Lock Get Failure: x" {
		t.Error(got)
	}
	b.ask(t, "sg s")
	if got := a.ask(t, "sg s"); got != "2 Shared Lock Get Success: s" {
		t.Error(got)
	}
	b.hangUp()
	for a.ask(t, "si s") != "1 Shared Lock Is Locked: s" {
		continue // until it is released
	}
	if got := a.ask(t, "i x"); got != "1 Lock Is Locked: x" {
		t.Error(got)
	}
}

func TestAThousandLocksOfTheServiceAreReleasedAtADisconnect(t *testing.T) {
	d := openCluster(t, clienttest.New(t))
	a, b := dial(t, d.tcp), dial(t, d.tcp)
	var all, want strings.Builder
	for i := range 1000 {
		fmt.Fprintln(&all, "g", i)
		fmt.Fprintln(&want, "1 Lock Get Success:", i)
	}
	go func() { _, _ = a.Write([]byte(all.String())) }()
	a.expect(t, want.String())
	reset(t, a)
	for b.ask(t, "dump") != "{}" {
		continue // until all are released
	}
}

func TestASessionThatOthersEndEndsTheConnection(t *testing.T) {
	s := clienttest.New(t)
	d := openCluster(t, s)
	other := s.Client(&client.Options{Realm: "lockd"})
	a := dial(t, d.tcp)
	a.ask(t, "g x")
	states, err := other.Inspect(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Call(t.Context(), schema.VerbLeave, &schema.Leave{Session: states[0].Holders[0].Sessions[0]}); err != nil {
		t.Fatal(err)
	}
	a.send(t, "g y")
	if got := a.ended(t); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestTheEndOfTheGatewaysSessionEndsConnectionsThatHoldByIt(t *testing.T) {
	s := clienttest.New(t)
	nc, cable := s.Cable()
	c, err := client.New(nc, &client.Options{SessionTTL: time.Second, Grace: client.NoGrace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	d := openAt(t, s.Conn(), lockd.Cluster(c, "lockd"), gateway.Limits{}, lockd.Config{})
	a, b := dial(t, d.tcp), dial(t, d.tcp)
	a.ask(t, "g x")
	b.ask(t, "me")
	cable.Cut()
	if got := a.ended(t); got != "" {
		t.Errorf("got %q", got)
	}
	cable.Mend()
	for b.ask(t, "g x") != "1 Lock Get Success: x" {
		continue // until there is a connection, and the old session has ended
	}
}

// TestAnAttemptInVainIsNotTheNextOne has a lock taken by the same connection after it
// could not be had, released, and taken again.
func TestAnAttemptInVainIsNotTheNextOne(t *testing.T) {
	s := clienttest.New(t)
	d := openCluster(t, s)
	a, b := dial(t, d.tcp), dial(t, d.tcp)
	for _, c := range []struct {
		by        *streamed
		ask, want string
	}{
		{b, "g x", "1 Lock Get Success: x"},
		{a, "g y", "1 Lock Get Success: y"},
		{a, "g x", "0 Lock Get Failure: x"},
		{a, "g x", "0 Lock Get Failure: x"},
		{b, "r x", "1 Lock Release Success: x"},
		{a, "g x", "1 Lock Get Success: x"},
		{a, "g x", "1 Lock Get Success: x"},
		{a, "g y", "1 Lock Get Success: y"},
		{a, "sg y", "1 Shared Lock Get Success: y"},
		{a, "sg y", "1 Shared Lock Get Success: y"},
		{a, "r x", "1 Lock Release Success: x"},
		{a, "r y", "1 Lock Release Success: y"},
		{a, "g y", "1 Lock Get Success: y"},
		{b, "g x", "1 Lock Get Success: x"},
	} {
		if got := c.by.ask(t, c.ask); got != c.want {
			t.Errorf("%s: %q, want %q", c.ask, got, c.want)
		}
	}
	owners := map[string]bool{}
	states, err := s.Client(&client.Options{Realm: "lockd"}).Inspect(t.Context(), "x", "y")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range states {
		owners[l.Holders[0].Owner] = true
	}
	if len(owners) != 2 {
		t.Errorf("%v", owners)
	}
}

// What was asked for once is not remembered by the lock after its release.
func TestAReleaseForgetsWhatIsNotSentAgain(t *testing.T) {
	s := clienttest.New(t)
	p := gatewaytest.NewTap(s.Conn())
	d := openAt(t, s.Conn(nats.InProcessServer(p)), nil, gateway.Limits{}, lockd.Config{})
	a := dial(t, d.tcp)
	for range 2 {
		a.ask(t, "g x")
		a.ask(t, "r x")
		a.ask(t, "sg x")
		a.ask(t, "sr x")
	}
	if asked, forgotten := p.Texts("request"), p.Texts("forget"); len(asked) != 4 || !slices.Equal(asked, forgotten) {
		t.Errorf("forgotten are %q of %q", forgotten, asked)
	}
}

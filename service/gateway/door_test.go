package gateway_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/gatewaytest"
)

func TestWhatIsDeniedIsCountedAndLoggedOnceInAWhile(t *testing.T) {
	log, metrics := new(gatewaytest.Log), prometheus.NewRegistry()
	g, err := gateway.New(clienttest.New(t).Conn(), gateway.Config{Logger: log.Logger(), Metrics: metrics})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, name := range []string{"one", "other"} {
		door, err := g.Door(name)
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			door.Deny("origin: no", "192.0.2.1:1")
		}
		if said := `door=` + name + ` why="origin: no" from=192.0.2.1:1`; strings.Count(log.String(), said) == 0 || strings.Count(log.String(), said) > 10 {
			t.Errorf("want some lines with %s in:\n%s", said, log)
		}
	}
	want := `
		# HELP natslock_door_denied_total Calls that were refused because of the web site, the name or the credentials they came with.
		# TYPE natslock_door_denied_total counter
		natslock_door_denied_total{door="one"} 100
		natslock_door_denied_total{door="other"} 100
`
	if err := testutil.GatherAndCompare(metrics, strings.NewReader(want), "natslock_door_denied_total"); err != nil {
		t.Error(err)
	}
}

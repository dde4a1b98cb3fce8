package presence_test

import (
	"testing"

	"github.com/natslock/natslock/service/presence"
)

func TestRoutine(t *testing.T) {
	for name, test := range map[string]struct {
		of   presence.Record
		told presence.Keepalive
		want bool
	}{
		"nothing told":         {open, presence.Keepalive{}, true},
		"all as it is":         {open, presence.Keepalive{TTL: ms(10_000), Grace: ms(2_000), Server: "S", CID: 4, N: 6, Create: true}, true},
		"another TTL":          {open, presence.Keepalive{TTL: ms(10_001)}, false},
		"another grace":        {open, presence.Keepalive{Grace: ms(0)}, false},
		"another server":       {open, presence.Keepalive{Server: "T", CID: 4}, false},
		"another connection":   {open, presence.Keepalive{Server: "S", CID: 5}, false},
		"of one that has left": {left, presence.Keepalive{}, false},
		"of an unknown one":    {unknown, presence.Keepalive{}, false},
	} {
		if got := test.told.Routine(test.of); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

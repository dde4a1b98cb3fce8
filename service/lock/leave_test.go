package lock

import (
	"testing"

	"github.com/natslock/natslock/schema"
)

func TestAPresenceLeavesWithItsLeavesAndALeafAlone(t *testing.T) {
	for _, c := range []struct {
		leaves string
		epoch  uint64
		id     string
		opened uint64
		want   bool
	}{
		{"p", 0, "p", 7, true},
		{"p", 0, "p/1", 7, true},
		{"p", 0, "p/1/2", 7, true},
		{"p", 0, "pp", 7, false},
		{"p", 0, "pp/1", 7, false},
		{"p", 0, "q", 7, false},
		{"pp", 0, "p", 7, false},
		{"p/1", 0, "p/1", 7, true},
		{"p/1", 0, "p", 7, false},
		{"p/1", 0, "p/2", 7, false},
		{"p/1", 0, "p/12", 7, false},
		{"p/1", 0, "p/1/2", 7, false},
		{"p", 7, "p/1", 7, true},
		{"p", 6, "p/1", 7, false},
		{"p", 8, "p/1", 7, false},
		{"p", 0, "", 0, false},
		{"", 0, "", 0, false},
	} {
		l := Leave{Session: c.leaves, Epoch: c.epoch, Reason: schema.ReasonLeave}
		if got := l.means(Session{ID: c.id, Epoch: c.opened}); got != c.want {
			t.Errorf("leave %q of epoch %d means %q of epoch %d: %v", c.leaves, c.epoch, c.id, c.opened, got)
		}
	}
}

package embedded_test

import (
	"testing"

	"github.com/natslock/natslock/bus/embedded"
)

func TestTheRoomOnTheDiskIsKnown(t *testing.T) {
	if room := start(t, embedded.Config{}).DiskRoom(); room < 0 {
		t.Errorf("%d bytes", room)
	}
}

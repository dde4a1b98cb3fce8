package bustest_test

import (
	"testing"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
)

func TestMemoryPassesTheStoreSuite(t *testing.T) {
	bustest.RunStoreSuite(t, func(t *testing.T) bus.Store {
		m := bustest.NewMemory()
		t.Cleanup(m.Close)
		return m
	})
}

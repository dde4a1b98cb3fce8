package service_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

var (
	seed = flag.Uint64("seed", 1, "of what is left to chance")
	long = flag.Duration("long", 0, "how long to go on with histories; 0 is a few seeds")
)

// Whatever a test starts ends with it: also every goroutine of a worker.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

package service_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Whatever a test starts ends with it: also every goroutine of a worker.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

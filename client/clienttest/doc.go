// Package clienttest gives a test a whole natslock in the process: a NATS server
// without a port, its store in a temporary directory, and a worker. It starts in
// milliseconds, and everything ends with the test.
//
//	func TestImport(t *testing.T) {
//		locks := clienttest.New(t).Client(nil)
//		err := locks.Do(t.Context(), "import", runImport)
//		...
//	}
//
// What happens when something fails is tested by making it fail: StopWorker is a
// service that is away, and the Cable of a connection can be cut. The worker sees
// connections close, as natslock serve does.
//
// # In a bubble
//
// It works inside a testing/synctest bubble, where a TTL of minutes costs
// nothing. Two things of NATS live outside of any bubble and must not be begun
// inside one: the server's clock, which is registered once before all tests,
//
//	func TestMain(m *testing.M) {
//		ats.Register() // github.com/nats-io/nats-server/v2/server/ats
//		os.Exit(m.Run())
//	}
//
// and pools of timers, which are emptied before and after each bubble (a pool
// gives up what it holds at the second collection), so no tests with bubbles run
// in parallel:
//
//	runtime.GC()
//	runtime.GC()
//	synctest.Test(t, func(t *testing.T) {
//		locks := clienttest.New(t).Client(nil)
//		...
//	})
//	runtime.GC()
//	runtime.GC()
//
// With the race detector a bubble now and then kills the whole process, with a
// failed CHECK or a SIGSEGV of the detector (https://go.dev/issue/78156, Go 1.26).
// On one processor it does not: GOMAXPROCS=1 go test -race.
package clienttest

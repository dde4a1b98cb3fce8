package service_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"

	"github.com/natslock/natslock/internal/bubbletest"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// The files of a server that was killed are what they were a moment before, and
// the one in which it notes what is in the others may be of long ago: then it looks
// for itself.
func TestACollectionOutlivesACrash(t *testing.T) {
	// The server keeps a clock for the whole process, which must not begin in the
	// bubble, and nats.go pools timers.
	ats.Register()
	defer ats.Unregister()
	runtime.GC()
	runtime.GC()
	defer runtime.GC()
	bubbletest.Run(t, testCollectionAndCrash)
}

func testCollectionAndCrash(t *testing.T) {
	tune := func(w *service.Worker) { w.CollectFrom(5) }
	time.Sleep(time.Until(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))) // no store is made before this program was
	dir := t.TempDir()
	s := startTuned(t, dir, tune)
	s.patience = 10 * time.Minute
	other := s.lock(&schema.Acquire{Name: "other", TTL: day()})
	last := uint64(0)
	for i := range 20 {
		name := fmt.Sprint("z", i)
		last = s.lock(&schema.Acquire{Name: name, TTL: day()})
		s.unlock(name, last)
	}
	// Each record is one of several in a block, as mostly; these are dropped one by one.
	time.Sleep(40 * time.Minute) // three looks; a server has much to do in an hour
	synctest.Wait()
	s.wantHolders("z0")
	extent, err := s.store.Extent(t.Context())
	if err != nil || extent.Keys != 2 {
		t.Errorf("there are %+v, %v", extent, err)
	}
	crashed := filepath.Join(t.TempDir(), "crashed")
	if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s.stop()
	if n := removeAll(t, crashed, "index.db"); n == 0 {
		t.Error("there is no index")
	}

	s = startTuned(t, crashed, tune)
	s.patience = 10 * time.Minute
	defer s.stop()
	extent, err = s.store.Extent(t.Context())
	t.Logf("after the crash there are %+v, %v", extent, err)
	if got := s.state("other").Holders; len(got) != 1 || got[0].Token != other {
		t.Errorf("other is held by %+v, want %d", got, other)
	}
	if names := s.list(schema.List{}); !equal(names, []string{"other"}) {
		t.Errorf("held are %q", names)
	}
	for i := range 20 {
		name := fmt.Sprint("z", i)
		s.wantHolders(name)
		token := s.lock(&schema.Acquire{Name: name, TTL: day()})
		if token <= last {
			t.Errorf("%s: the token %d is not larger than %d", name, token, last)
		}
		last = token
	}
}

// removeAll removes every file of a name below a folder.
func removeAll(t *testing.T, dir, name string) (removed int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != name {
			return err
		}
		removed++
		return os.Remove(path)
	})
	if err != nil {
		t.Fatal(err)
	}
	return removed
}

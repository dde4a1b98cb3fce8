package service_test

import (
	"flag"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

var many = flag.Int("collect", 0, "how many free and how many held locks a collection is measured with; 0 measures none")

// What a collection costs those who use locks meanwhile: see docs/performance.md.
func TestCostOfACollection(t *testing.T) {
	if *many == 0 {
		t.Skip("-collect says how many")
	}
	dir := t.TempDir()
	var worker *service.Worker
	s := startTuned(t, dir, func(w *service.Worker) {
		w.CollectFrom(1)
		worker = w
	})
	s.fill("held", *many, false)
	s.fill("free", *many+1000, true)
	callers := s.busy(16)
	phase := func(what string, f func()) {
		callers.measure()
		begin := time.Now()
		f()
		took := time.Since(begin)
		n, p50, p99, most := callers.measure()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		t.Logf("%-24s %6d ms, %6.0f pairs/s, p50 %6.2f ms, p99 %6.2f ms, max %6.1f ms; disk %d MB, heap %d MB",
			what, took.Milliseconds(), float64(n)/took.Seconds(), p50, p99, most, sizeOf(t, dir)>>20, m.HeapAlloc>>20)
	}
	step := func() {
		if err := worker.CollectAtOnce(t.Context()); err != nil {
			t.Error(err)
		}
	}
	phase("before", func() { time.Sleep(4 * time.Second) })
	worker.Forget()
	phase("written anew", step)
	phase("floor raised", step)
	phase("purged", step)
	phase("after", func() { time.Sleep(4 * time.Second) })
	callers.stop()
	extent, err := s.store.Extent(t.Context())
	t.Logf("%+v, %v", extent, err)
}

// fill takes so many locks, and releases them if they are to be free.
func (s *system) fill(name string, n int, free bool) {
	s.t.Helper()
	all := s.listen()
	defer all.close()
	for i := 0; i < n; i += 1000 {
		some := min(1000, n-i)
		for j := range some {
			all.send(&schema.Acquire{Name: fmt.Sprint(name, i+j), Client: "x", Owner: "o", TTL: day()})
		}
		for range some {
			all.want(schema.StatusGranted)
		}
		for j := range some {
			if free {
				all.send(&schema.Release{Name: fmt.Sprint(name, i+j), Client: "x", Owner: "o"})
			}
		}
		for range some {
			if free {
				all.want(schema.StatusReleased)
			}
		}
	}
}

// busy are callers who take and release locks of their own.
type busy struct {
	mu   sync.Mutex
	took []float64 // of acquires, in ms
	quit chan struct{}
	all  sync.WaitGroup
}

func (s *system) busy(n int) *busy {
	b := &busy{quit: make(chan struct{})}
	for i := range n {
		b.all.Go(func() {
			p := s.listen()
			defer p.close()
			name := fmt.Sprint("busy", i)
			for {
				select {
				case <-b.quit:
					return
				default:
				}
				begin := time.Now()
				p.send(&schema.Acquire{Name: name, Client: "x", Owner: "o", TTL: day()})
				p.want(schema.StatusGranted)
				took := time.Since(begin)
				p.send(&schema.Release{Name: name, Client: "x", Owner: "o"})
				p.want(schema.StatusReleased)
				b.mu.Lock()
				b.took = append(b.took, took.Seconds()*1000)
				b.mu.Unlock()
			}
		})
	}
	return b
}

// measure tells of the time since it was last called.
func (b *busy) measure() (n int, p50, p99, most float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	took := b.took
	b.took = nil
	if len(took) == 0 {
		return 0, 0, 0, 0
	}
	slices.Sort(took)
	return len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1]
}

func (b *busy) stop() {
	close(b.quit)
	b.all.Wait()
}

// sizeOf is how many bytes the files below a folder have.
func sizeOf(t *testing.T, dir string) (size int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return nil // it may be gone meanwhile
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}

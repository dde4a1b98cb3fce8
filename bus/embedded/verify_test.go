package embedded_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/natslock/natslock/bus/embedded"
)

const (
	streamDir = "jetstream/NATSLOCK/streams/KV_natslock_locks"
	keys      = 1500 // of 6 KB: more than two blocks
)

// filled makes a data directory with several blocks, and lists these.
func filled(t *testing.T) (dir string, blocks []string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	s := start(t, embedded.Config{DataDir: dir, Sync: time.Minute})
	put(t, open(t, s), 0, keys, 6000)
	stop(t, s)
	blocks, err := filepath.Glob(filepath.Join(dir, streamDir, "msgs", "*.blk"))
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks) < 3 || len(blocks) > 9 {
		t.Fatalf("there are %d blocks", len(blocks))
	}
	for i, b := range blocks {
		if blocks[i], err = filepath.Rel(dir, b); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(blocks)
	return dir, blocks
}

// edit changes a file.
func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(data), 0o640); err != nil {
		t.Fatal(err)
	}
}

func flip(fraction float64) func([]byte) []byte {
	return func(data []byte) []byte {
		data[int(float64(len(data))*fraction)] ^= 1
		return data
	}
}

func cut(n int) func([]byte) []byte {
	return func(data []byte) []byte { return data[:len(data)-n] }
}

// snapshot is every file of a directory with its content.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestDamagedDataIsRefusedAndLeftAlone(t *testing.T) {
	base, blocks := filled(t)
	first, last := blocks[0], blocks[len(blocks)-1]
	remove := func(path string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	change := func(path string, how func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) { edit(t, filepath.Join(dir, path), how) }
	}
	for _, test := range []struct {
		name   string
		damage func(*testing.T, string)
		says   string
	}{
		{"a flipped bit in an old block", change(first, flip(.5)), "has a broken record at byte"},
		{"a flipped bit at the start of an old block", change(first, flip(0)), "has a broken record at byte 0"},
		{"a flipped bit in the newest block", change(last, flip(.5)), "has a broken record at byte"},
		{"an old block cut short", change(first, cut(100)), "has a broken record at byte"},
		{"no blocks", remove(streamDir + "/msgs"), "msgs: no such file"},
		{"no settings", remove(streamDir + "/meta.inf"), "meta.inf: no such file"},
		{"no checksum of the settings", remove(streamDir + "/meta.sum"), "meta.sum: no such file"},
		{"a flipped bit in the settings", change(streamDir+"/meta.inf", flip(.5)), "meta.inf does not match its checksum"},
		{"empty settings", change(streamDir+"/meta.inf", func([]byte) []byte { return nil }), "meta.inf does not match its checksum"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(dir, os.DirFS(base)); err != nil {
				t.Fatal(err)
			}
			test.damage(t, dir)
			before := snapshot(t, dir)
			contains(t, refused(t, embedded.Config{DataDir: dir}), "data directory "+dir+" is damaged: ", test.says, "restore it from a copy")
			after := snapshot(t, dir)
			for path := range before {
				if before[path] != after[path] {
					t.Errorf("%s was changed", path)
				}
			}
			if len(after) != len(before) {
				t.Errorf("there are %d files, there were %d", len(after), len(before))
			}
		})
	}
}

func TestATornEndIsWhatACrashLeaves(t *testing.T) {
	base, blocks := filled(t)
	last := blocks[len(blocks)-1]
	for _, test := range []struct {
		name string
		how  func([]byte) []byte
		lost int
	}{
		{"half a record", func(data []byte) []byte { return append(data, data[:100]...) }, 0},
		{"zeros", func(data []byte) []byte { return append(data, make([]byte, 5000)...) }, 0},
		{"the last record cut short", cut(100), 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(dir, os.DirFS(base)); err != nil {
				t.Fatal(err)
			}
			edit(t, filepath.Join(dir, last), test.how)
			// A crash leaves no index that knows of the end.
			if err := os.Remove(filepath.Join(dir, streamDir, "msgs", "index.db")); err != nil {
				t.Fatal(err)
			}
			s := start(t, embedded.Config{DataDir: dir, Sync: time.Second})
			b := open(t, s)
			if n := there(t, b, keys); n != keys-test.lost {
				t.Errorf("%d of %d keys are there", n, keys)
			}
			put(t, b, keys, keys+1000, 6000)
			stop(t, s)
			s = start(t, embedded.Config{DataDir: dir})
			if n := there(t, open(t, s), keys+1000); n != keys+1000-test.lost {
				t.Errorf("%d of %d keys are there after another start", n, keys+1000)
			}
		})
	}
}

func TestAnIntervalAllowsForDamageJustBeforeTheEnd(t *testing.T) {
	dir, blocks := filled(t)
	before := filepath.Join(dir, blocks[len(blocks)-2])
	edit(t, before, cut(100))
	now := time.Now()
	if err := os.Chtimes(before, now, now); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(dir, blocks[len(blocks)-1]), now, now.Add(2*time.Second)); err != nil {
		t.Fatal(err)
	}
	contains(t, refused(t, embedded.Config{DataDir: dir}), "has a broken record")
	start(t, embedded.Config{DataDir: dir, Sync: time.Second})
}

func TestALostIndexIsMadeAnew(t *testing.T) {
	dir, _ := filled(t)
	edit(t, filepath.Join(dir, streamDir, "msgs", "index.db"), flip(.5))
	s := start(t, embedded.Config{DataDir: dir})
	if n := there(t, open(t, s), keys); n != keys {
		t.Errorf("%d of %d keys are there", n, keys)
	}
}

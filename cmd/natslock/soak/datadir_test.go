//go:build linux

package soak

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/natslock/natslock/schema"
)

// stored is how many locks are held in the directories of these tests.
const stored = 40

// nobody is a user who may not write what root owns.
const nobody = 65534

func TestADataDirectoryThatCannotBeUsedIsLeftAlone(t *testing.T) {
	t.Parallel()
	data, addr := t.TempDir(), freeAddr(t)
	p := serveOn(t, addr, data)
	w := newWire(t, dial(t, addr), "data")
	tokens := hold(t, w, 0, stored)

	t.Run("in use", func(t *testing.T) {
		refusesToStart(t, data, nil, fmt.Sprintf("data directory %s is in use by another natslock (pid %d)", data, p.cmd.Process.Pid))
		held(t, w, tokens)
	})
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	t.Run("read-only", func(t *testing.T) {
		refusesToStart(t, readOnly(t, data), credential(), "cannot be written: permission denied")
	})
	t.Run("damaged locks", func(t *testing.T) {
		dir := copyOf(t, data)
		block := largest(t, dir, "*.blk")
		damage(t, block, func(b []byte) []byte { b[len(b)/2] ^= 0xff; return b })
		refusesToStart(t, dir, nil, "is damaged: "+block+" has a broken record")
	})
	t.Run("damaged settings", func(t *testing.T) {
		dir := copyOf(t, data)
		settings := largest(t, dir, "meta.inf")
		damage(t, settings, func(b []byte) []byte { return b[:len(b)/2] })
		refusesToStart(t, dir, nil, "is damaged: "+settings+" does not match its checksum")
	})
	t.Run("no directory", func(t *testing.T) {
		dir := t.TempDir()
		file := filepath.Join(dir, "file")
		damage(t, file, func([]byte) []byte { return []byte("mine") })
		before := snapshot(t, dir)
		refuses(t, nil, file, "cannot be created: not a directory")
		if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
			t.Error(diff)
		}
	})
	serveOn(t, addr, data)
	held(t, w, tokens)
}

// A disk that is full refuses what would have to be written and says so. Once
// there is room, all that was acknowledged is there, after a new start if need be.
func TestAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	data, addr := t.TempDir(), freeAddr(t)
	if err := syscall.Mount("natslock-soak", data, "tmpfs", 0, "size=8m"); err != nil {
		t.Logf("no disk can be mounted (%v): the size of files is limited instead", err)
		fillDisk(t, addr, data, limitFiles)
		return
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(data, 0); err != nil {
			t.Error(err)
		}
	})
	fillDisk(t, addr, data, fillWithFile)
}

// fillDisk has fill take the room away, and give it back by the function that
// it returns.
func fillDisk(t *testing.T, addr, data string, fill func(*testing.T, *process, string) (free func())) {
	p := serveOn(t, addr, data)
	w := newWire(t, dial(t, addr), "data")
	tokens := hold(t, w, 0, stored)
	free := fill(t, p, data)
	refused := 0
	for i := stored; refused == 0 && i < 10*stored; i++ {
		name := fmt.Sprintf("lock-%d", i)
		a, err := askOnce(t, w, name)
		switch {
		case err != nil || a.Status == schema.StatusUnavailable:
			refused++
		case a.Status == schema.StatusGranted:
			tokens[name] = a.Token
		default:
			t.Fatal(unexpected(schema.VerbAcquire, &a))
		}
	}
	if refused == 0 {
		t.Fatal("nothing was refused on a full disk")
	}
	free()
	select {
	case <-p.ended:
		status, err := p.status()
		if err != nil {
			t.Fatal(err)
		}
		if lines := p.complaints(); status != 1 || len(lines) != 1 {
			t.Errorf("ended with status %d and said %q\n%s", status, lines, p.output())
		}
		t.Logf("ended: %s", p.complaints())
		serveOn(t, addr, data)
	case <-time.After(3 * time.Second):
		t.Log("goes on by itself")
	}
	held(t, w, tokens)
	hold(t, w, 1000, 10)
}

// fillWithFile fills the disk of a directory with a file.
func fillWithFile(t *testing.T, _ *process, data string) (free func()) {
	t.Helper()
	f, err := os.Create(filepath.Join(data, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
			t.Error(err)
		}
	}
}

// limitFiles keeps the files of a process from growing.
func limitFiles(t *testing.T, p *process, data string) (free func()) {
	t.Helper()
	info, err := os.Stat(largest(t, data, "*.blk"))
	if err != nil {
		t.Fatal(err)
	}
	setLimit(t, p, uint64(info.Size()))
	return func() {
		select {
		case <-p.ended:
		default:
			setLimit(t, p, ^uint64(0))
		}
	}
}

// askOnce acquires a lock, and takes unavailable, or that nobody is there, for an
// answer.
func askOnce(t *testing.T, w *wire, name string) (answer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	return w.ask(ctx, schema.JSON, schema.VerbAcquire, "", longHold(name))
}

// longHold is an acquire that takes some room, for a hold that outlasts the test.
func longHold(name string) *schema.Acquire {
	ttl := int64(schema.MaxTTL)
	meta := schema.Meta(`{"a":"` + strings.Repeat("x", 3000) + `"}`)
	return &schema.Acquire{Name: name, Client: "data", Request: name, TTL: &ttl, Meta: meta}
}

// hold acquires n locks from a number on.
func hold(t *testing.T, w *wire, from, n int) (tokens map[string]uint64) {
	t.Helper()
	tokens = map[string]uint64{}
	for i := range n {
		name := fmt.Sprintf("lock-%d", from+i)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		a, err := w.ask(ctx, schema.MessagePack, schema.VerbAcquire, "", longHold(name))
		cancel()
		if err == nil && a.Status != schema.StatusGranted {
			err = unexpected(schema.VerbAcquire, &a)
		}
		if err != nil {
			t.Fatal(err)
		}
		tokens[name] = a.Token
	}
	return tokens
}

// held finds all the holds that were acknowledged.
func held(t *testing.T, w *wire, tokens map[string]uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for name, token := range maps.All(tokens) {
		a, err := w.ask(ctx, schema.JSON, schema.VerbInspect, "", &schema.Inspect{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Locks) != 1 || len(a.Locks[0].Holders) != 1 || a.Locks[0].Holders[0].Token != token {
			t.Errorf("%s: want hold %d, got %+v", name, token, a.Locks)
		}
	}
}

func serveOn(t *testing.T, addr, data string) *process {
	t.Helper()
	p := start(t, "serve", "--data", data, "--nats", addr, "--log-level", "error")
	if _, err := p.awaitReady(); err != nil {
		t.Fatal(err)
	}
	return p
}

// refusesToStart finds that natslock does not start on a directory, says why on
// one line, and changes nothing there.
func refusesToStart(t *testing.T, data string, as *syscall.Credential, why string) {
	t.Helper()
	before := snapshot(t, data)
	refuses(t, as, data, why)
	if diff := cmp.Diff(before, snapshot(t, data)); diff != "" {
		t.Errorf("the directory was changed:\n%s", diff)
	}
}

func refuses(t *testing.T, as *syscall.Credential, data, why string) {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	p, err := spawnAs(as, path, "serve", "--data", data, "--nats", freeAddr(t), "--log-level", "error")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	status, err := p.status()
	if err != nil {
		t.Fatal(err)
	}
	lines := p.complaints()
	if status != 1 || len(lines) != 1 || !strings.HasPrefix(lines[0], "natslock: serve: data directory ") || !strings.Contains(lines[0], why) {
		t.Errorf("status %d, want 1 and one line with %q; it said\n%s", status, why, p.output())
	}
}

// credential is whom a process runs as that must not be able to write
// everywhere: somebody else, if this is root.
func credential() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	return &syscall.Credential{Uid: nobody, Gid: nobody}
}

// readOnly is a copy of a directory that only its owner, if he is root, may write.
func readOnly(t *testing.T, data string) string {
	t.Helper()
	dir := copyOf(t, data)
	mode := fs.FileMode(0o555)
	visible(t, dir)
	if err := os.Chmod(dir, mode); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// visible lets everybody pass to what lies below the directories of temporary
// files that this test has made: the directory and the program.
func visible(t *testing.T, dir string) {
	t.Helper()
	for _, d := range []string{filepath.Dir(filepath.Dir(dir)), filepath.Dir(dir), bin} {
		if d == os.TempDir() {
			continue
		}
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// copyOf is a copy of a data directory.
func copyOf(t *testing.T, data string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(dir, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// largest is the largest file with a name in a directory.
func largest(t *testing.T, dir, pattern string) (path string) {
	t.Helper()
	size := int64(-1)
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if ok, _ := filepath.Match(pattern, d.Name()); ok && info.Size() > size {
			path, size = p, info.Size()
		}
		return nil
	})
	if err != nil || path == "" {
		t.Fatalf("no %s in %s: %v", pattern, dir, err)
	}
	return path
}

// damage changes a file.
func damage(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o644); err != nil {
		t.Fatal(err)
	}
}

// snapshot is what is in a directory, but for who locks it.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "natslock.lock" {
			return err
		}
		b, err := os.ReadFile(path)
		files[path] = fmt.Sprintf("%d bytes, %x", len(b), sha256.Sum256(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

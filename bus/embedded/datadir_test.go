//go:build unix

package embedded_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/natslock/natslock/bus/embedded"
)

// Who may write into the data directory must not write elsewhere through the server.
func TestNothingIsWrittenThroughALink(t *testing.T) {
	const text = "of somebody else"
	ways := map[string]func(from, to string) error{"symlink": os.Symlink, "hard link": os.Link}
	for way, link := range ways {
		for _, name := range []string{"natslock.lock", "natslock.probe"} {
			t.Run(way+" "+name, func(t *testing.T) {
				dir, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
				if err := os.WriteFile(victim, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := link(victim, filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
				if name == "natslock.lock" {
					contains(t, refused(t, embedded.Config{DataDir: dir}), dir, "cannot be written", name)
				} else {
					stop(t, start(t, embedded.Config{DataDir: dir})) // the link alone is removed
				}
				if is, err := os.ReadFile(victim); err != nil || string(is) != text {
					t.Errorf("the file is now %q, %v", is, err)
				}
			})
		}
	}
}

func TestALinkToNothingIsNotFollowed(t *testing.T) {
	dir, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
	if err := os.Symlink(victim, filepath.Join(dir, "natslock.lock")); err != nil {
		t.Fatal(err)
	}
	contains(t, refused(t, embedded.Config{DataDir: dir}), dir, "cannot be written", "natslock.lock")
	if _, err := os.Lstat(victim); err == nil {
		t.Error("the file was created")
	}
}

// A pipe would keep the server waiting for its other end.
func TestALockFileThatIsNoFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "natslock.lock"), 0o600); err != nil {
		t.Fatal(err)
	}
	contains(t, refused(t, embedded.Config{DataDir: dir}), dir, "cannot be written", "no plain file")
}

// A server that was killed while it probed leaves its file.
func TestAProbeThatWasLeftIsNoObstacle(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "natslock.probe")
	if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	stop(t, start(t, embedded.Config{DataDir: dir}))
	if _, err := os.Lstat(path); err == nil {
		t.Error("it is still there")
	}
}

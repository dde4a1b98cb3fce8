package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	lockFile = "natslock.lock"
	dirPerms = 0o750
)

// dataDir is a data directory that no other natslock uses.
type dataDir struct {
	path string
	lock *os.File
}

// openDataDir creates the directory if it is not there, finds out whether it
// can be written, and locks it.
func openDataDir(path string) (*dataDir, error) {
	if path == "" {
		return nil, errors.New("no data directory is given")
	}
	if err := os.MkdirAll(path, dirPerms); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, lockFile), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("data directory %s cannot be written: %w", path, err)
	}
	d := &dataDir{path: path, lock: lock}
	if err := d.acquire(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return d, nil
}

// acquire locks the directory and writes down who did.
func (d *dataDir) acquire() error {
	taken, err := tryLock(d.lock)
	if err != nil {
		return fmt.Errorf("lock data directory %s: %w", d.path, err)
	}
	if !taken {
		text, _ := os.ReadFile(d.lock.Name())
		return fmt.Errorf("data directory %s is in use by another natslock (pid %s)", d.path, strings.TrimSpace(string(text)))
	}
	if err := d.lock.Truncate(0); err != nil {
		return fmt.Errorf("data directory %s cannot be written: %w", d.path, err)
	}
	if _, err := d.lock.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0); err != nil {
		return fmt.Errorf("data directory %s cannot be written: %w", d.path, err)
	}
	return nil
}

// close unlocks the directory. The file stays: removing it could take away
// another's lock.
func (d *dataDir) close() error { return d.lock.Close() }

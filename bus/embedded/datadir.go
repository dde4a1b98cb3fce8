package embedded

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	lockFile  = "natslock.lock"
	probeFile = "natslock.probe"
	dirPerms  = 0o750
	filePerms = 0o640

	// probeSize is the room that a disk must have at least, in bytes, for a
	// start: a server on a full one could not even release.
	probeSize = 1 << 20
)

// dataDir is a data directory that no other natslock uses.
type dataDir struct {
	path string
	lock *os.File
}

// openDataDir creates the directory if it is not there, locks it, and finds out
// whether it can be written.
func openDataDir(path string) (*dataDir, error) {
	if path == "" {
		return nil, errors.New("no data directory is given")
	}
	if err := os.MkdirAll(path, dirPerms); err != nil {
		return nil, fmt.Errorf("data directory %s cannot be created: %w", path, reason(err))
	}
	lock, err := openPlain(filepath.Join(path, lockFile), os.O_RDWR)
	if err != nil {
		return nil, fmt.Errorf("data directory %s cannot be written: %w", path, reason(err))
	}
	d := &dataDir{path: path, lock: lock}
	if err := d.acquire(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return d, nil
}

// acquire locks the directory, writes down who did, and probes the disk.
func (d *dataDir) acquire() error {
	taken, err := tryLock(d.lock)
	if err != nil {
		return fmt.Errorf("data directory %s cannot be locked: %w", d.path, err)
	}
	if !taken {
		return fmt.Errorf("data directory %s is in use by another natslock%s", d.path, d.owner())
	}
	err = d.lock.Truncate(0)
	if err == nil {
		_, err = d.lock.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	if err == nil {
		err = d.probe()
	}
	if err != nil {
		return fmt.Errorf("data directory %s cannot be written: %w", d.path, reason(err))
	}
	return nil
}

// owner is who wrote the lock file, for people.
func (d *dataDir) owner() string {
	text, err := io.ReadAll(io.NewSectionReader(d.lock, 0, 32))
	pid := strings.TrimSpace(string(text))
	if err != nil || pid == "" || len(pid) > 20 {
		return ""
	}
	return " (pid " + pid + ")"
}

// openPlain opens a file, and creates it if it is not there, but nothing that
// leads elsewhere: whoever may write into the directory could make the server write
// to any file.
func openPlain(path string, flags int) (*os.File, error) {
	name := filepath.Base(path)
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s there is no plain file", name)
	}
	f, err := os.OpenFile(path, flags|os.O_CREATE|noFollow, filePerms)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || links(info) > 1) {
		err = fmt.Errorf("%s there is no file of its own", name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// probe writes a file and removes it. One that is there already, of a server that
// was killed meanwhile, is removed first.
func (d *dataDir) probe() error {
	path := filepath.Join(d.path, probeFile)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := openPlain(path, os.O_WRONLY|os.O_EXCL)
	if err != nil {
		return err
	}
	return errors.Join(fill(f), os.Remove(path))
}

// fill writes as much as a disk must have room for, and closes the file.
func fill(f *os.File) error {
	_, err := f.Write(make([]byte, probeSize))
	return errors.Join(err, f.Close())
}

// reason is an error of a file without its path, which is said elsewhere.
func reason(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// close unlocks the directory. The file stays: removing it could take away
// another's lock.
func (d *dataDir) close() error { return d.lock.Close() }

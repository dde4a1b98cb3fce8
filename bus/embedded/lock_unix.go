//go:build unix

package embedded

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks a file until it is closed or the process ends.
func tryLock(f *os.File) (taken bool, err error) {
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// noFollow opens no symbolic link.
const noFollow = syscall.O_NOFOLLOW

// links is how many names a file has.
func links(info os.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink) //nolint:unconvert // on other systems it is of another type
	}
	return 1
}

//go:build linux || darwin || freebsd

package embedded

import "syscall"

// disk is the size of the disk that a directory is on, and what is free of it for
// us, in bytes; ok is false if that is not known.
func disk(dir string) (size, free int64, ok bool) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return 0, 0, false
	}
	block := int64(stat.Bsize) //nolint:unconvert // on other systems it is of another type
	free = int64(stat.Bavail)
	return int64(stat.Blocks) * block, free * block, true
}

//go:build linux

package soak

import (
	"syscall"
	"testing"
	"unsafe"
)

// setLimit bounds the size to which a running process may let a file grow.
func setLimit(t *testing.T, p *process, size uint64) {
	t.Helper()
	limit := syscall.Rlimit{Cur: size, Max: ^uint64(0)}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.cmd.Process.Pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		t.Fatalf("limit files: %v", errno)
	}
}

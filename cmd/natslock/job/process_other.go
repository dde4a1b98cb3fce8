//go:build unix && !linux

package job

import "syscall"

// dieWithParent has no counterpart outside Linux.
func dieWithParent(*syscall.SysProcAttr) {}

// adopt has no counterpart outside Linux.
func adopt() (stop func()) { return func() {} }

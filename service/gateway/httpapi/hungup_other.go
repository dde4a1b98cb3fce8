//go:build !unix

package httpapi

import "syscall"

// ended is for net/http to notice, where there is no quicker way.
func ended(syscall.RawConn) bool { return false }

//go:build unix

package httpapi

import "syscall"

// ended tells whether the other end of a connection has closed it, without taking
// anything from what can be read. net/http reads the end too, a moment later.
func ended(c syscall.RawConn) (ended bool) {
	err := c.Control(func(fd uintptr) {
		var one [1]byte
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		ended = n == 0 && err == nil || err == syscall.ECONNRESET
	})
	return ended || err != nil
}

package main

import (
	"errors"
	"fmt"
	"syscall"
)

// orElsewhere adds to the error of a listener whose address is taken how to name
// another.
func orElsewhere(err error, how string) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	return fmt.Errorf("%w; %s", err, how)
}

// byFlag is how to name another address by a flag.
func byFlag(name string) string { return "give another by --" + name }

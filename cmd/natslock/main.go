package main

import (
	"context"
	"io"
	"os"
	"runtime"
)

// The main goroutine stays on the main thread: run does the job control of a
// shell there.
func init() { runtime.LockOSThread() }

func main() {
	os.Exit(Main(context.Background(), os.Args[1:], &system{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// system is what a command sees of the world, besides its environment.
type system struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

//go:build !race

package bubbletest

// raceDetector is whether the race detector is built in.
const raceDetector = false

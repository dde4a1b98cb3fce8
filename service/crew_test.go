package service

import (
	"sync"
	"testing"
)

// What begins while the goroutines are waited for is waited for, too, or does not begin:
// the race detector says whether Wait can miss one.
func TestNothingBeginsUnseenWhileTheCrewIsDismissed(t *testing.T) {
	for range 1000 {
		var c crew
		var outside sync.WaitGroup
		ran := 0
		outside.Go(func() {
			c.spawn(func() { ran++ })
		})
		c.dismiss()
		before := ran // a race, if it runs now
		outside.Wait()
		c.spawn(func() { t.Error("it began afterwards") })
		if ran != before {
			t.Fatal("it ran after the end")
		}
	}
}

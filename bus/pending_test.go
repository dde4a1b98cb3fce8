package bus

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever happens in whatever order, each commit ends exactly once.
func TestEachPendingCommitEndsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p pending
		now := time.Unix(0, 0)
		ends := map[uint64]int{}
		deadlines := map[uint64]time.Time{}
		var added uint64
		end := func(c commit) { c.done(0, nil) }
		t.Repeat(map[string]func(*rapid.T){
			"add": func(*rapid.T) {
				for range rapid.IntRange(1, 400).Draw(t, "n") {
					n := added
					deadlines[n] = now.Add(time.Second)
					id, _ := p.add(commit{deadline: deadlines[n], done: func(uint64, error) { ends[n]++ }})
					if id != n {
						t.Fatalf("id %d, want %d", id, n)
					}
					added++
				}
			},
			"take": func(*rapid.T) {
				id := rapid.Uint64Range(0, added+2).Draw(t, "id")
				if c, ok := p.take(id); ok {
					if ends[id] > 0 || id >= added {
						t.Fatalf("%d was there", id)
					}
					end(c)
				} else if id < added && ends[id] == 0 {
					t.Fatalf("%d was not there", id)
				}
			},
			"refuse": func(*rapid.T) {
				p.refuse(rapid.Uint64Range(0, added+2).Draw(t, "id"), errors.New("no"))
			},
			"pass": func(*rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 700).Draw(t, "ms")) * time.Millisecond)
				list, next := p.over(now, false)
				for _, c := range list {
					end(c)
				}
				for id := range added {
					if ends[id] == 0 && (!deadlines[id].After(now) || next.IsZero() || next.After(deadlines[id])) {
						t.Fatalf("%d is over at %s, now is %s, next is %s", id, deadlines[id], now, next)
					}
				}
			},
		})
		list, next := p.over(now, true)
		for _, c := range list {
			end(c)
		}
		for id := range added {
			if ends[id] != 1 {
				t.Fatalf("%d ended %d times", id, ends[id])
			}
		}
		if !next.IsZero() || p.first != p.next {
			t.Fatalf("something is left: %d to %d, next is %s", p.first, p.next, next)
		}
	})
}

func TestOnlyTheFirstOfManyCommitsAsksForATimer(t *testing.T) {
	var p pending
	asked := 0
	for range 10 {
		id, untimed := p.add(commit{done: func(uint64, error) {}})
		if untimed {
			asked++
		}
		p.take(id)
	}
	if asked != 1 {
		t.Errorf("%d asked", asked)
	}
	p.over(time.Now(), false)
	if _, untimed := p.add(commit{done: func(uint64, error) {}}); !untimed {
		t.Error("nobody asked after the timer had found nothing")
	}
}

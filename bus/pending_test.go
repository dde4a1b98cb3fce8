package bus

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// request is a commit as the server sees it.
type request struct {
	token    string
	answered bool
	revision uint64 // that it was answered with; 0: it was refused
	ends     int    // how often it was told that it ended
	deadline time.Time
}

// Whatever happens in whatever order, each commit ends exactly once: by the one answer
// to it, if that comes in time, and by no copy of an answer to another.
func TestEachPendingCommitEndsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p pending
		var all []*request
		now, revision := time.Unix(0, 0), uint64(1000)
		end := func(c commit) { c.done(0, nil) }
		draw := func(t *rapid.T, which func(*request) bool) *request {
			var some []*request
			for _, r := range all {
				if which(r) {
					some = append(some, r)
				}
			}
			if len(some) == 0 {
				t.Skip("there is none")
			}
			return rapid.SampledFrom(some).Draw(t, "request")
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				for range rapid.IntRange(1, 400).Draw(t, "n") {
					r := &request{deadline: now.Add(time.Second)}
					id, token, _ := p.add(commit{writes: 2, deadline: r.deadline, done: func(uint64, error) { r.ends++ }})
					if id != uint64(len(all)) {
						t.Fatalf("id %d, want %d", id, len(all))
					}
					r.token = token
					all = append(all, r)
				}
			},
			"answer": func(t *rapid.T) {
				r := draw(t, func(r *request) bool { return !r.answered })
				r.answered = true
				told, writes := uint64(0), 0
				switch rapid.IntRange(0, 3).Draw(t, "answer") {
				case 0: // refused
				case 1: // what makes no sense
					revision++
					told, writes = revision, 1
				default:
					revision++
					told, writes, r.revision = revision, 2, revision
				}
				before := r.ends
				c, ok := p.take(r.token, told, writes)
				if ok {
					end(c)
				}
				if ok != (before == 0) || r.ends != 1 {
					t.Fatalf("%t: ended %d times before, and %d times after the answer", ok, before, r.ends)
				}
			},
			"copy": func(t *rapid.T) {
				r := draw(t, func(r *request) bool { return r.revision > 0 })
				if _, ok := p.take(r.token, r.revision, 2); ok {
					t.Fatal("a copy ended another commit")
				}
			},
			"foreign": func(t *rapid.T) {
				token := rapid.SampledFrom([]string{"", "-1", "+1", "0 ", "3w5e11264sgsf", "3w5e11264sgsg"}).Draw(t, "token")
				if _, ok := p.take(token, revision+1, 2); ok {
					t.Fatalf("%q ended a commit", token)
				}
			},
			"refuse": func(t *rapid.T) {
				p.refuse(rapid.Uint64Range(0, uint64(len(all))+2).Draw(t, "id"), errors.New("no"))
			},
			"pass": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 700).Draw(t, "ms")) * time.Millisecond)
				list, next := p.over(now, false)
				for _, c := range list {
					end(c)
				}
				for i, r := range all {
					if r.ends == 0 && (!r.deadline.After(now) || next.IsZero() || next.After(r.deadline)) {
						t.Fatalf("%d is over at %s, now is %s, next is %s", i, r.deadline, now, next)
					}
				}
			},
		})
		list, next := p.over(now, true)
		for _, c := range list {
			end(c)
		}
		for i, r := range all {
			if r.ends != 1 {
				t.Fatalf("%d ended %d times", i, r.ends)
			}
		}
		if !next.IsZero() || p.first != p.next {
			t.Fatalf("something is left: %d to %d, next is %s", p.first, p.next, next)
		}
	})
}

// What was acknowledged gives its token to the next, and the server finds who listens
// there without a search.
func TestATokenIsUsedAgain(t *testing.T) {
	var p pending
	add := func() string {
		_, token, _ := p.add(commit{writes: 1, deadline: time.Unix(1, 0), done: func(uint64, error) {}})
		return token
	}
	first := add()
	for revision := range uint64(5) {
		if _, ok := p.take(first, revision+1, 1); !ok {
			t.Fatalf("%d was nobody's", revision+1)
		}
		if _, ok := p.take(first, revision+2, 1); ok {
			t.Fatalf("%d was somebody's, while nobody waited", revision+2)
		}
		if token := add(); token != first {
			t.Fatalf("the token is %s, was %s", token, first)
		}
	}
	p.take(first, 0, 0)
	second := add()
	if second == first {
		t.Error("a token was used again after a refusal")
	}
	p.over(time.Unix(2, 0), false)
	if third := add(); third == first || third == second {
		t.Error("a token was used again that nobody has answered at")
	}
}

// A leader that was held up may refuse, long after, what its successor has acknowledged.
func TestWithReplicasNoTokenIsUsedAgain(t *testing.T) {
	var p pending
	add := func() string {
		_, token, _ := p.add(commit{writes: 1, deadline: time.Unix(1, 0), done: func(uint64, error) {}})
		return token
	}
	single := add()
	p.take(single, 1, 1)
	p.replicated(true)
	seen := map[string]bool{single: true}
	for revision := range uint64(5) {
		token := add()
		if seen[token] {
			t.Fatalf("%s was used again", token)
		}
		for old := range seen {
			if _, ok := p.take(old, 0, 0); ok {
				t.Fatalf("a refusal at %s ended the commit at %s", old, token)
			}
		}
		seen[token] = true
		if _, ok := p.take(token, revision+2, 1); !ok {
			t.Fatalf("%d was nobody's", revision+2)
		}
		p.replicated(true) // as it was
	}
	p.replicated(false)
	token := add()
	p.take(token, 9, 1)
	if again := add(); again != token {
		t.Errorf("without replicas the token is %s, was %s", again, token)
	}
}

// What is in memory counts from the beginning after a restart.
func TestAfterAnInterruptionRevisionsMayBeLower(t *testing.T) {
	for name, interrupt := range map[string]func(*pending){
		"the connection broke": func(p *pending) { p.over(time.Unix(0, 0), true) },
		"nobody answered": func(p *pending) {
			p.add(commit{writes: 1, deadline: time.Unix(1, 0), done: func(uint64, error) {}})
			p.over(time.Unix(2, 0), false)
		},
	} {
		var p pending
		add := func() string {
			_, token, _ := p.add(commit{writes: 1, deadline: time.Unix(3, 0), done: func(uint64, error) {}})
			return token
		}
		for i, token := range []string{add(), add(), add()} {
			p.take(token, 1000+uint64(i), 1)
		}
		interrupt(&p)
		for i, token := range []string{add(), add(), add()} {
			if _, ok := p.take(token, 1+uint64(i), 1); !ok {
				t.Errorf("%s: %d was taken for a copy", name, 1+i)
			}
		}
	}
}

func TestOnlyTheFirstOfManyCommitsAsksForATimer(t *testing.T) {
	var p pending
	asked := 0
	for range 10 {
		_, token, untimed := p.add(commit{done: func(uint64, error) {}})
		if untimed {
			asked++
		}
		p.take(token, 0, 0)
	}
	if asked != 1 {
		t.Errorf("%d asked", asked)
	}
	p.over(time.Now(), false)
	if _, _, untimed := p.add(commit{done: func(uint64, error) {}}); !untimed {
		t.Error("nobody asked after the timer had found nothing")
	}
}

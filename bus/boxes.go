package bus

import "strconv"

// boxes are where acknowledgements come: the last tokens of subjects, each of which
// serves one commit after another. The server remembers who listens to a subject that it
// has seen before; to find out who listens to a new one costs it as much as to store.
//
// A box is used again as it was only if a single server has the bucket, and has
// acknowledged: it answers once. With replicas, a leader that was held up goes on where
// it stood when another has long taken over, and refuses what that one has
// acknowledged; nothing in a refusal tells what it is for. After every other outcome, too,
// something may be on its way that says anything, and the token is another. If the bucket
// gets replicas meanwhile, a copy of an acknowledgement is told by its revision, which
// was known before the next commit was sent.
type boxes struct {
	all  []box
	idle []int
	once bool // none is used again as it was
}

// box is one of them.
type box struct {
	token string
	turn  uint32 // how often the token has become another
	used  bool
	id    uint64 // of the commit that uses it
	last  uint64 // the revision that has come at the token; 0: none yet
}

// take returns a box for a commit, and its token.
func (b *boxes) take(id uint64) (n int, token string) {
	if len(b.idle) == 0 {
		b.idle = append(b.idle, len(b.all))
		b.all = append(b.all, box{token: boxToken(len(b.all), 0)})
	}
	n = b.idle[len(b.idle)-1]
	b.idle = b.idle[:len(b.idle)-1]
	x := &b.all[n]
	x.used, x.id = true, id
	return n, x.token
}

// find returns the commit that an acknowledgement is for, which came at the token and
// tells the revision, 0 if it is another answer. ok is false if it is for none that waits.
func (b *boxes) find(token string, revision uint64) (id uint64, ok bool) {
	number, err := strconv.ParseUint(token, 36, 64)
	n := int(uint32(number))
	if err != nil || n >= len(b.all) {
		return 0, false // nobody who was asked answers there
	}
	x := &b.all[n]
	copied := revision > 0 && revision <= x.last
	return x.id, x.used && x.turn == uint32(number>>32) && !copied
}

// giveBack ends the use of a box. revision is what was acknowledged, 0 if nothing was.
func (b *boxes) giveBack(n int, revision uint64) {
	x := &b.all[n]
	x.used, x.last = false, revision
	b.idle = append(b.idle, n)
	if revision == 0 || b.once {
		b.turn(n)
	}
}

// turn has the token of a box be another.
func (b *boxes) turn(n int) {
	x := &b.all[n]
	x.turn++
	x.last, x.token = 0, boxToken(n, x.turn)
}

// turnIdle does so with all that are not in use.
func (b *boxes) turnIdle() {
	for _, n := range b.idle {
		b.turn(n)
	}
}

func boxToken(n int, turn uint32) string {
	return strconv.FormatUint(uint64(turn)<<32|uint64(n), 36)
}

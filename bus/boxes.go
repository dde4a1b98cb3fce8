package bus

import "strconv"

// boxes are where acknowledgements come: the last tokens of subjects, each of which
// serves one commit after another. The server remembers who listens to a subject that it
// has seen before; to find out who listens to a new one costs it as much as to store.
//
// A box is used again as it was only after an acknowledgement. A server that takes over
// from another can send that once more: a copy tells a revision that was known before
// the next commit was sent, and so is seen to be none of its own. After every other
// outcome something may be on its way that says anything, and the token is another.
type boxes struct {
	all  []box
	idle []int
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
	if revision == 0 {
		x.turn++
		x.token = boxToken(n, x.turn)
	}
	b.idle = append(b.idle, n)
}

func boxToken(n int, turn uint32) string {
	return strconv.FormatUint(uint64(turn)<<32|uint64(n), 36)
}

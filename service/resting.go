package service

// maxResting is how many leaves rest, at most: some 2 MB of them.
const maxResting = 4096

// resting are the leaves that nothing names any more, but something did lately: who locks and
// unlocks over and over is told of each time, and to make an entry for him costs more
// than to find it. When there are too many, the one that has rested longest is dropped.
type resting struct {
	most int
	ring []*session // some of them are named again meanwhile
	next int
}

// restLocked keeps a leaf for a while, which no lock names.
func (t *sessions) restLocked(s *session) {
	if s.many { // few that rest would be as large as all are to be
		s.locks, s.many = nil, false
	}
	if s.rests {
		return
	}
	s.rests = true
	r := &t.resting
	if len(r.ring) < r.most {
		r.ring = append(r.ring, s)
		return
	}
	old := r.ring[r.next]
	r.ring[r.next] = s
	r.next = (r.next + 1) % len(r.ring)
	old.rests = false
	if !old.keeps() && t.known[old.id] == old {
		t.dropLocked(old)
	}
}

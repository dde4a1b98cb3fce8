package engine

// overhead is what a packet costs beside its data.
const overhead = 32

// queue is the output that a client has not read yet. It is bounded.
type queue struct {
	packets []packet
	size    int // of packets
	taken   int // the size of what is being written
	limit   int
}

func size(packets []packet) int {
	total := 0
	for _, p := range packets {
		total += len(p.data) + overhead
	}
	return total
}

// room reports whether so many bytes would be taken.
func (q *queue) room(bytes int) bool {
	waiting := q.size + q.taken
	return waiting == 0 || waiting+bytes <= q.limit
}

// push adds packets, all or none. What comes alone is always taken.
func (q *queue) push(packets ...packet) bool {
	added := size(packets)
	if !q.room(added) {
		return false
	}
	q.packets = append(q.packets, packets...)
	q.size += added
	return true
}

// control adds a packet of the protocol itself, of which there are few.
func (q *queue) control(p packet) {
	q.packets = append(q.packets, p)
	q.size += overhead
}

func (q *queue) empty() bool { return len(q.packets) == 0 }

// take returns all packets, to be written. They count until written is called.
func (q *queue) take() []packet {
	packets := q.packets
	q.taken += q.size
	q.packets, q.size = nil, 0
	return packets
}

func (q *queue) written() { q.taken = 0 }

func (q *queue) clear() { q.packets, q.size = nil, 0 }

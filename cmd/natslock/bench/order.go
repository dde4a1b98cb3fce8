package bench

import "slices"

// outOfOrder counts the grants of one name whose token is smaller than that of
// a request which the same connection had sent earlier. Requests of different
// connections have no order that a caller could know.
func outOfOrder(grants []grant) int {
	slices.SortFunc(grants, func(a, b grant) int { return a.number - b.number })
	n, highest := 0, uint64(0)
	for _, g := range grants {
		if g.token < highest {
			n++
		}
		highest = max(highest, g.token)
	}
	return n
}

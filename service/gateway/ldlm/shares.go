package ldlm

import "net/netip"

// Of what there is for all, a peer may have one part in so many.
const peersAtLeast = 10

// Of an address of IPv6, the bits that are given to a site: it makes the others itself.
const siteBits = 64

// shares count what each peer has, so that none keeps everybody else out.
type shares struct {
	most int // of one peer
	of   map[netip.Prefix]int
}

// share is the most of one peer if all may have so many.
func share(all int) int { return (all + peersAtLeast - 1) / peersAtLeast }

// peerOf is whom an address with a port belongs to. What is none belongs to one peer.
func peerOf(address string) netip.Prefix {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Prefix{}
	}
	ip := at.Addr().Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = siteBits
	}
	return netip.PrefixFrom(ip, bits).Masked()
}

// take gives a peer one more, if it may have that.
func (s *shares) take(p netip.Prefix) bool {
	if s.of[p] >= s.most {
		return false
	}
	if s.of == nil {
		s.of = map[netip.Prefix]int{}
	}
	s.of[p]++
	return true
}

// give takes one back.
func (s *shares) give(p netip.Prefix) {
	if s.of[p]--; s.of[p] == 0 {
		delete(s.of, p)
	}
}

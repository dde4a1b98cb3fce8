package schema

import "slices"

// appendPack appends m as a MessagePack map.
func (m Meta) appendPack(dst []byte) []byte {
	return appendPackValue(dst, &scan{body: m})
}

func appendPackValue(dst []byte, s *scan) []byte {
	switch s.kind() {
	case kindObject, kindList:
		return appendPackElements(dst, s)
	case kindText:
		return appendPackText(dst, s.text())
	case kindNumber:
		return appendPackNumber(dst, s.number())
	case kindFlag:
		if s.flag() {
			return append(dst, packTrue)
		}
		return append(dst, packFalse)
	}
	s.null()
	return append(dst, packNull)
}

// appendPackElements appends the list or object here. Its header needs the
// number of elements, so it is mended afterwards if it is longer than a byte.
func appendPackElements(dst []byte, s *scan) []byte {
	object, start := s.kind() == kindObject, len(dst)
	dst = append(dst, 0)
	n, size := 0, s.enter()
	for ; s.more(n, size); n++ {
		if object {
			dst = appendPackText(dst, s.key())
		}
		dst = appendPackValue(dst, s)
	}
	var head []byte
	if object {
		head = appendPackCount(head, n, packFixMap, packMap16)
	} else {
		head = appendPackCount(head, n, packFixList, packList16)
	}
	return slices.Replace(dst, start, start+1, head...)
}

package schema

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// ParseMeta reads a JSON object and returns it in the one form that a Meta has:
// without white space, every object's keys sorted by their bytes and once
// (the last one counts), the fewest escapes, numbers as whole ones if they
// are that and fit 64 bits, else as the nearest float64. The empty object is
// none. Its error is an *Error with StatusInvalid, or StatusLimit if the
// result has more than MaxMeta bytes.
func ParseMeta(text []byte) (Meta, error) {
	if settled(text) {
		return slices.Clone(text), nil
	}
	return parseMeta(text)
}

// parseMeta is ParseMeta for any text.
func parseMeta(text []byte) (Meta, error) {
	s := scan{body: text}
	s.space()
	start := s
	if k := s.kind(); k != kindObject && k != kindBroken {
		return nil, misfit(kindObject, k).within("meta").finish()
	}
	if err := s.value(0, nil); err != nil {
		return nil, err.within("meta").finish()
	}
	s.space()
	if n := len(text) - s.at; n > 0 {
		return nil, invalid("meta", fmt.Sprintf("%d bytes after its end", n))
	}
	m, err := readMeta(start)
	if err != nil {
		return nil, err.within("meta").finish()
	}
	if err := checkMeta(m); err != nil {
		return nil, err
	}
	return m, nil
}

// Merge returns m with every key of other set to its value there; what the
// values hold inside is not merged. Its error is an *Error with StatusLimit if
// the result has more than MaxMeta bytes.
func (m Meta) Merge(other Meta) (Meta, error) {
	switch {
	case len(other) <= len("{}"):
		return m, nil
	case len(m) <= len("{}"):
		return ParseMeta(other)
	}
	// Of a key that is there twice the last one counts.
	both := slices.Concat(m[:len(m)-1], []byte{','}, other[1:])
	return ParseMeta(both)
}

// readMeta reads the object at a checked place, from either encoding.
func readMeta(s scan) (Meta, *Error) {
	r := metaReader{scan: s}
	if err := r.object(1); err != nil {
		return nil, err
	}
	if string(r.dst) == "{}" {
		return nil, nil
	}
	return slices.Clip(r.dst), nil
}

// metaReader writes what it reads in the form of a Meta.
type metaReader struct {
	scan
	dst []byte
}

// value reads a value at a depth: the number of objects and lists with it.
func (r *metaReader) value(depth int) *Error {
	switch k := r.kind(); k {
	case kindObject:
		return r.object(depth + 1)
	case kindList:
		return r.list(depth + 1)
	case kindText:
		r.dst = appendJSONText(r.dst, r.text())
	case kindNumber:
		return r.appendNumber()
	case kindFlag:
		r.dst = strconv.AppendBool(r.dst, r.flag())
	case kindNull:
		r.null()
		r.dst = append(r.dst, "null"...)
	default:
		return fault(k.String() + " has no place here")
	}
	return nil
}

func (r *metaReader) list(depth int) *Error {
	if depth > maxMetaDepth {
		return tooDeep(maxMetaDepth)
	}
	r.dst = append(r.dst, '[')
	n := r.enter()
	for i := 0; r.more(i, n); i++ {
		if i > 0 {
			r.dst = append(r.dst, ',')
		}
		if err := r.value(depth); err != nil {
			return err
		}
	}
	r.dst = append(r.dst, ']')
	return nil
}

// member is a key, its value and a comma, as written.
type member struct {
	key      string
	from, to int
}

func (r *metaReader) object(depth int) *Error {
	if depth > maxMetaDepth {
		return tooDeep(maxMetaDepth)
	}
	var few [8]member
	members := few[:0]
	r.dst = append(r.dst, '{')
	n := r.enter()
	for i := 0; r.more(i, n); i++ {
		from, key := len(r.dst), r.key()
		r.dst = append(appendJSONText(r.dst, key), ':')
		if err := r.value(depth); err != nil {
			return err
		}
		r.dst = append(r.dst, ',')
		members = append(members, member{key, from, len(r.dst)})
	}
	if len(members) == 0 {
		r.dst = append(r.dst, '}')
		return nil
	}
	r.arrange(members)
	r.dst[len(r.dst)-1] = '}' // the last comma
	return nil
}

// arrange sorts the members at the end of dst and drops those that a later one
// of the same key replaces.
func (r *metaReader) arrange(members []member) {
	if slices.IsSortedFunc(members, func(a, b member) int {
		return cmp.Or(cmp.Compare(a.key, b.key), -1) // the same key twice is not sorted
	}) {
		return
	}
	start := members[0].from
	slices.SortStableFunc(members, func(a, b member) int { return cmp.Compare(a.key, b.key) })
	sorted := make([]byte, 0, len(r.dst)-start)
	for i, m := range members {
		if i+1 < len(members) && members[i+1].key == m.key {
			continue
		}
		sorted = append(sorted, r.dst[m.from:m.to]...)
	}
	r.dst = append(r.dst[:start], sorted...)
}

func (r *metaReader) appendNumber() *Error {
	n := r.number()
	if !n.whole {
		n = fromFloat(n.float) // the nearest may be a whole one
	}
	switch {
	case n.whole && n.negative:
		r.dst = strconv.AppendInt(r.dst, -int64(n.size), 10)
	case n.whole:
		r.dst = strconv.AppendUint(r.dst, n.size, 10)
	case math.IsInf(n.float, 0) || math.IsNaN(n.float):
		return fault("a number is too large, or none")
	default:
		form := byte('f')
		if f := math.Abs(n.float); f >= 1e21 || f < 1e-6 && f > 0 {
			form = 'e'
		}
		r.dst = strconv.AppendFloat(r.dst, n.float, form, -1, 64)
	}
	return nil
}

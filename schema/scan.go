package schema

import "fmt"

// The bounds of nesting. A meta is deeper inside a reply than in the request
// it came with, so its own bound is the lower one.
const (
	maxDepth     = 40
	maxMetaDepth = 32
)

// scan is a place in a body. Its method value checks what is there; all others
// may be used only on what has been checked, or stop at the end.
type scan struct {
	body   []byte
	at     int
	packed bool
}

// value checks the value here and passes over it. The depth is the number of
// lists and objects around it. The fields of an object are noted in f, if
// there is one.
func (s *scan) value(depth int, f *frame) *Error {
	if k := s.kind(); depth == maxDepth && (k == kindObject || k == kindList) {
		return tooDeep(maxDepth)
	}
	if s.packed {
		return s.packValue(depth, f)
	}
	return s.jsonValue(depth, f)
}

// note checks the value of a field and notes it in f. The field has an index
// there, or -1 if nobody knows it; then an error in it is one of the whole.
func (s *scan) note(depth int, f *frame, field int) *Error {
	s.space()
	from, k := s.at, s.kind()
	if err := s.value(depth, nil); err != nil {
		if field < 0 {
			err.Field = ""
			return err
		}
		return err.within(f.names[field])
	}
	switch {
	case field < 0:
	case k == kindNull:
		f.values[field] = span{}
	default:
		f.values[field] = span{from, s.at}
	}
	return nil
}

// kind tells what the value here is, by its first byte.
func (s *scan) kind() kind {
	switch {
	case s.at >= len(s.body):
		return kindBroken
	case s.packed:
		return packKind(s.body[s.at])
	}
	return jsonKind(s.body[s.at])
}

// enter goes into the list or object here. The number is for more.
func (s *scan) enter() int {
	if s.packed {
		h := s.header()
		s.at = h.start
		return h.size
	}
	s.at++
	return 0
}

// more reports whether the list or object that was entered has an element i,
// and goes to it; after the last one it goes behind the end.
func (s *scan) more(i, size int) bool {
	if s.packed {
		return i < size
	}
	s.space()
	switch s.peek() {
	case ']', '}':
		s.at++
		return false
	case ',':
		s.at++
		s.space()
	}
	return true
}

// key reads the key here and goes to its value.
func (s *scan) key() string {
	key := s.text()
	if !s.packed {
		s.space()
		s.at++ // the colon
		s.space()
	}
	return key
}

// text reads the text here.
func (s *scan) text() string {
	if s.packed {
		return s.packText()
	}
	return s.jsonText()
}

// number reads the number here.
func (s *scan) number() number {
	if s.packed {
		return s.packNumber()
	}
	return s.jsonNumber()
}

// flag reads the true or false here.
func (s *scan) flag() bool {
	if s.packed {
		s.at++
		return s.body[s.at-1] == packTrue
	}
	if s.body[s.at] == 't' {
		s.at += len("true")
		return true
	}
	s.at += len("false")
	return false
}

// null passes over the null here.
func (s *scan) null() {
	if s.packed {
		s.at++
	} else {
		s.at += len("null")
	}
}

func tooDeep(bound int) *Error { return fault(fmt.Sprintf("nested deeper than %d", bound)) }

package schema

// maxFields is the most fields that a message or an element of one may have.
// A MessagePack map of so many has a header of one byte.
const maxFields = 15

// span is where a value is in the body.
type span struct{ from, to int }

// frame is where a scan notes the values of one object's fields. It is filled
// in two steps: the object's own declaration names the fields, then a scan
// notes where their values are. So fields that nobody knows cost no memory.
type frame struct {
	names  [maxFields]string
	values [maxFields]span // zero: not given
	count  int
	next   int  // the field that is likely to come next, or is asked for next
	naming bool // the first step
}

// find returns the index of a field, or -1. Fields mostly come in the order
// of the declaration, so the search goes on after the last one found.
func (f *frame) find(key []byte) int {
	for n, i := 0, f.next; n < f.count; n, i = n+1, i+1 {
		if i >= f.count {
			i = 0
		}
		if f.names[i] == string(key) {
			f.next = i + 1
			return i
		}
	}
	return -1
}

// reset forgets the values but not the names.
func (f *frame) reset() {
	clear(f.values[:f.count])
	f.next = 0
}

// clear forgets everything.
func (f *frame) clear() {
	f.reset()
	f.count, f.naming = 0, false
}

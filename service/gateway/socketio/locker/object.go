package locker

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
)

// object is a JSON object whose members keep their order, and their text.
type object []member

type member struct {
	name  string
	value json.RawMessage
}

var errNoObject = errors.New("must be an object")

// few are so many members that they are found faster one by one than by a map.
const few = 16

// parseObject reads an object, in text that is JSON. Of members that are repeated the
// last counts.
func parseObject(data json.RawMessage) (object, error) {
	t := source{data}
	if !t.take('{') {
		return nil, errNoObject
	}
	var all object
	for !t.take('}') {
		name, err := unquote(t.value())
		if err != nil || !t.take(':') {
			return nil, errNoObject
		}
		all = append(all, member{name, t.value()})
		t.take(',')
	}
	return object{}.merged(all), nil
}

// get returns a member, or nil.
func (o object) get(name string) json.RawMessage {
	if i := o.index(name); i >= 0 {
		return o[i].value
	}
	return nil
}

func (o object) index(name string) int {
	return slices.IndexFunc(o, func(m member) bool { return m.name == name })
}

// with returns the object with members, each in the place of the one of that name.
func (o object) with(members ...member) object {
	o = append(make(object, 0, len(o)+len(members)), o...)
	for _, m := range members {
		if i := o.index(m.name); i >= 0 {
			o[i].value = m.value
		} else {
			o = append(o, m)
		}
	}
	return o
}

// without returns the object without some members.
func (o object) without(names ...string) object {
	return slices.DeleteFunc(slices.Clone(o), func(m member) bool { return slices.Contains(names, m.name) })
}

// merged returns the object with the members of another, in time that grows with
// their number alone: a client may send thousands.
func (o object) merged(with object) object {
	if len(o)+len(with) <= few {
		return o.with(with...)
	}
	merged := make(object, len(o), len(o)+len(with))
	copy(merged, o)
	places := make(map[string]int, cap(merged))
	for i, m := range o {
		places[m.name] = i
	}
	for _, m := range with {
		if i, there := places[m.name]; there {
			merged[i].value = m.value
			continue
		}
		places[m.name] = len(merged)
		merged = append(merged, m)
	}
	return merged
}

// text writes the object.
func (o object) text() json.RawMessage {
	size := 2
	for _, m := range o {
		size += len(m.name) + len(m.value) + 4
	}
	text := append(make([]byte, 0, size), '{')
	for i, m := range o {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(quote(text, m.name), ':')
		text = append(text, m.value...)
	}
	return append(text, '}')
}

// encode writes what JSON can always say.
func encode(v any) json.RawMessage {
	switch v := v.(type) {
	case string:
		return quote(make([]byte, 0, len(v)+2), v)
	case []string:
		return quoteAll(nil, v)
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSpace(text.Bytes())
}

func quoteAll(to []byte, texts []string) []byte {
	if texts == nil {
		return append(to, null...)
	}
	to = append(to, '[')
	for i, text := range texts {
		if i > 0 {
			to = append(to, ',')
		}
		to = quote(to, text)
	}
	return append(to, ']')
}

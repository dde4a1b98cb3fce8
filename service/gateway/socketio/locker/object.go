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

// parseObject reads an object. Of members that are repeated the last counts.
func parseObject(data json.RawMessage) (object, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errNoObject
	}
	var all object
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		all = append(all, member{name.(string), value})
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

// with returns the object with a member, in the place of the one of that name.
func (o object) with(name string, value json.RawMessage) object {
	o = slices.Clone(o)
	if i := o.index(name); i >= 0 {
		o[i].value = value
		return o
	}
	return append(o, member{name, value})
}

// without returns the object without some members.
func (o object) without(names ...string) object {
	return slices.DeleteFunc(slices.Clone(o), func(m member) bool { return slices.Contains(names, m.name) })
}

// merged returns the object with the members of another, in time that grows with
// their number alone: a client may send thousands.
func (o object) merged(with object) object {
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
	text := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, encode(m.name)...)
		text = append(text, ':')
		text = append(text, m.value...)
	}
	return append(text, '}')
}

// encode writes what JSON can always say.
func encode(v any) json.RawMessage {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSpace(text.Bytes())
}

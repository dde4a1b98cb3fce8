package schema

import "slices"

// part is a pointer to an element of a list of objects.
type part[T any] interface {
	*T
	parts(c *codec) // as Message.fields
}

// objects is a list of objects. With all other lists of objects of the same
// message it has at most limit elements. An empty one is left out.
func objects[T any, P part[T]](c *codec, name string, p *[]T, limit int) {
	if c.reading {
		readObjects[T, P](c, name, p, limit)
	} else if len(*p) > 0 {
		writeObjects[T, P](c, name, *p)
	}
}

// results is as objects, but an empty list that is not nil is written too.
func results[T any, P part[T]](c *codec, name string, p *[]T, limit int) {
	if c.reading {
		if readObjects[T, P](c, name, p, limit) && *p == nil {
			*p = []T{}
		}
	} else if *p != nil {
		writeObjects[T, P](c, name, *p)
	}
}

func writeObjects[T any, P part[T]](c *codec, name string, list []T) {
	c.key(name)
	c.openList(len(list))
	for i := range list {
		c.element()
		open := c.openObject()
		P(&list[i]).parts(c)
		c.closeObject(open)
	}
	c.closeList()
}

func readObjects[T any, P part[T]](c *codec, name string, p *[]T, limit int) (given bool) {
	s, ok := c.want(name, kindList)
	if !ok {
		if c.told != nil {
			c.tellObjects(P(new(T)).parts)
		}
		return false
	}
	c.level++
	f := c.frame()
	defer func() { f.clear(); c.level-- }()
	f.naming = true
	P(new(T)).parts(c)
	f.naming = false

	n := s.enter()
	for i := 0; s.more(i, n); i++ {
		if c.objects++; c.objects > limit {
			c.err = tooMany(limit).within(name)
			return false
		}
		f.reset()
		if got := s.kind(); got != kindObject {
			c.err = misfit(kindObject, got)
		} else if c.err = s.value(0, f); c.err == nil {
			f.next = 0
			*p = slices.Grow(*p, 1)[:i+1]
			P(&(*p)[i]).parts(c)
		}
		if c.err != nil {
			c.err = c.err.within(index(i)).within(name)
			return false
		}
	}
	return true
}

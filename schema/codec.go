package schema

import (
	"fmt"
	"strconv"
	"time"
)

// codec reads or writes the fields of a message, in either encoding, one call
// per field. Reading needs a scan first, which checks the whole body and notes
// where the fields are; after an error it reads nothing more.
type codec struct {
	packed  bool
	reading bool

	dst   []byte // written so far
	count int    // MessagePack: where the number of fields of the open object is

	body    []byte
	err     *Error
	told    *[]Field // instead of all that: the fields are to be described
	frames  [3]frame // a reply, its locks, their holders
	level   int
	objects int // elements read so far, of all lists of objects
}

func (c *codec) frame() *frame { return &c.frames[c.level] }

func (c *codec) scanAt(at int) scan {
	return scan{body: c.body, at: at, packed: c.packed}
}

// want returns a place at the value of the next field, if it was given and is
// of the kind. Every field asks once, in order.
func (c *codec) want(name string, k kind) (scan, bool) {
	if c.told != nil {
		c.tell(name, k)
		return scan{}, false
	}
	f := c.frame()
	if f.naming {
		f.names[f.count] = name
		f.count++
		return scan{}, false
	}
	value := f.values[f.next]
	f.next++
	if value.to == 0 || c.err != nil {
		return scan{}, false
	}
	s := c.scanAt(value.from)
	if got := s.kind(); got != k {
		c.err = misfit(k, got).within(name)
		return scan{}, false
	}
	return s, true
}

func (c *codec) text(name string, p *string) {
	if c.reading {
		if s, ok := c.want(name, kindText); ok {
			*p = s.text()
		}
	} else if *p != "" {
		c.key(name)
		c.writeText(*p)
	}
}

func (c *codec) flag(name string, p *bool) {
	if c.reading {
		if s, ok := c.want(name, kindFlag); ok {
			*p = s.flag()
		}
	} else if *p {
		c.key(name)
		c.writeFlag(true)
	}
}

func (c *codec) whole(name string, p *int64) {
	if c.reading {
		if n, ok := c.readInt(name); ok {
			*p = n
		}
	} else if *p != 0 {
		c.key(name)
		c.writeInt(*p)
	}
}

func (c *codec) unsigned(name string, p *uint64) {
	if c.reading {
		if n, ok := c.readUint(name); ok {
			*p = n
		}
	} else if *p != 0 {
		c.key(name)
		c.writeUint(*p)
	}
}

// token is that of a hold in a request. No hold has the token 0: who sends it has
// forgotten to set it, and does not mean what no token means.
func (c *codec) token(p *uint64) {
	const name = "token"
	if !c.reading {
		c.unsigned(name, p)
		return
	}
	n, ok := c.readUint(name)
	if !ok {
		return
	}
	if n == 0 {
		c.err = fault("0 is no hold's token").within(name)
	}
	*p = n
}

func (c *codec) optionalFlag(name string, p **bool) {
	if c.reading {
		if s, ok := c.want(name, kindFlag); ok {
			*p = pointer(s.flag())
		}
	} else if *p != nil {
		c.key(name)
		c.writeFlag(**p)
	}
}

func (c *codec) optionalWhole(name string, p **int64) {
	if c.reading {
		if n, ok := c.readInt(name); ok {
			*p = pointer(n)
		}
	} else if *p != nil {
		c.key(name)
		c.writeInt(**p)
	}
}

func (c *codec) optionalUnsigned(name string, p **uint64) {
	if c.reading {
		if n, ok := c.readUint(name); ok {
			*p = pointer(n)
		}
	} else if *p != nil {
		c.key(name)
		c.writeUint(**p)
	}
}

func (c *codec) time(name string, p *time.Time) {
	if !c.reading {
		if !p.IsZero() {
			c.key(name)
			c.writeTime(*p)
		}
		return
	}
	s, ok := c.want(name, kindText)
	if !ok {
		c.tellTime()
		return
	}
	t, err := time.Parse(time.RFC3339Nano, s.text())
	t = t.UTC().Truncate(time.Millisecond)
	if err != nil || t.Year() < 0 || t.Year() > 9999 {
		c.err = fault("want a time as 2006-01-02T15:04:05.000Z").within(name)
		return
	}
	*p = t
}

func (c *codec) meta(name string, p *Meta) {
	if !c.reading {
		if len(*p) > 0 {
			c.key(name)
			c.writeMeta(*p)
		}
		return
	}
	s, ok := c.want(name, kindObject)
	if !ok {
		return
	}
	m, err := readMeta(s)
	if err != nil {
		c.err = err.within(name)
		return
	}
	*p = m
}

// texts is a list of at most limit texts.
func (c *codec) texts(name string, p *[]string, limit int) {
	if !c.reading {
		if len(*p) > 0 {
			c.key(name)
			c.openList(len(*p))
			for _, text := range *p {
				c.element()
				c.writeText(text)
			}
			c.closeList()
		}
		return
	}
	s, ok := c.want(name, kindList)
	if !ok {
		return
	}
	n := s.enter()
	for i := 0; s.more(i, n); i++ {
		if got := s.kind(); got != kindText {
			c.err = misfit(kindText, got).within(index(i)).within(name)
			return
		}
		if i == limit {
			c.err = tooMany(limit).within(name)
			return
		}
		if *p == nil {
			*p = make([]string, 0, min(max(n, 4), limit))
		}
		*p = append(*p, s.text())
	}
}

// pointer allocates only for what was given.
func pointer[T any](v T) *T { return &v }

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

func tooMany(limit int) *Error { return fault(fmt.Sprintf("more than %d", limit)) }

func (c *codec) readInt(name string) (int64, bool) {
	s, ok := c.want(name, kindNumber)
	if !ok {
		return 0, false
	}
	n := s.number()
	whole, ok := n.int64()
	if !ok {
		c.err = n.misfit().within(name)
	}
	return whole, ok
}

func (c *codec) readUint(name string) (uint64, bool) {
	s, ok := c.want(name, kindNumber)
	if !ok {
		return 0, false
	}
	n := s.number()
	whole, ok := n.uint64()
	if !ok {
		c.err = n.misfit().within(name)
	}
	return whole, ok
}

package schema

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// openObject begins an object; what it returns is for closeObject.
func (c *codec) openObject() (outer int) {
	outer = c.count
	if c.packed {
		c.count = len(c.dst)
		c.dst = append(c.dst, packFixMap)
	} else {
		c.dst = append(c.dst, '{')
	}
	return outer
}

func (c *codec) closeObject(outer int) {
	c.count = outer
	if !c.packed {
		c.dst = append(c.dst, '}')
	}
}

// key begins a field. A MessagePack object counts it in its header, which is
// one byte: see maxFields.
func (c *codec) key(name string) {
	if c.packed {
		c.dst[c.count]++
		c.dst = append(append(c.dst, packFixText|byte(len(name))), name...)
		return
	}
	c.element()
	c.dst = append(c.dst, '"')
	c.dst = append(c.dst, name...)
	c.dst = append(c.dst, '"', ':')
}

func (c *codec) openList(n int) {
	if c.packed {
		c.dst = appendPackCount(c.dst, n, packFixList, packList16)
	} else {
		c.dst = append(c.dst, '[')
	}
}

func (c *codec) closeList() {
	if !c.packed {
		c.dst = append(c.dst, ']')
	}
}

// element puts a comma before all but the first of a JSON list or object.
func (c *codec) element() {
	if last := c.dst[len(c.dst)-1]; !c.packed && last != '[' && last != '{' {
		c.dst = append(c.dst, ',')
	}
}

func (c *codec) writeText(s string) {
	switch {
	case !c.packed:
		c.dst = appendJSONText(c.dst, s)
	case utf8.ValidString(s):
		c.dst = appendPackText(c.dst, s)
	default:
		c.dst = appendPackText(c.dst, strings.ToValidUTF8(s, "\uFFFD"))
	}
}

func (c *codec) writeFlag(v bool) {
	switch {
	case !c.packed:
		c.dst = strconv.AppendBool(c.dst, v)
	case v:
		c.dst = append(c.dst, packTrue)
	default:
		c.dst = append(c.dst, packFalse)
	}
}

func (c *codec) writeInt(n int64) {
	if c.packed {
		c.dst = appendPackInt(c.dst, n)
	} else {
		c.dst = strconv.AppendInt(c.dst, n, 10)
	}
}

func (c *codec) writeUint(n uint64) {
	if c.packed {
		c.dst = appendPackUint(c.dst, n)
	} else {
		c.dst = strconv.AppendUint(c.dst, n, 10)
	}
}

// timeWidth is the length of every time as text.
const timeWidth = len("2006-01-02T15:04:05.000Z")

func (c *codec) writeTime(t time.Time) {
	if c.packed {
		c.dst = appendTime(append(c.dst, packFixText|byte(timeWidth)), t)
	} else {
		c.dst = append(appendTime(append(c.dst, '"'), t), '"')
	}
}

func (c *codec) writeMeta(m Meta) {
	if c.packed {
		c.dst = m.appendPack(c.dst)
	} else {
		c.dst = append(c.dst, m...)
	}
}

package schema

// What Unknown returns at most.
const (
	maxUnknown     = 8
	maxUnknownName = 64
)

// Unknown returns the names of the fields in a message that Decode passed over
// because nobody knows them: at most 8, and 64 bytes of each. They break no rule,
// but may be misspelled. Of m its type counts: nothing is read from it, or written.
func Unknown(e Encoding, body []byte, m Message) []string {
	if len(body) == 0 {
		return nil
	}
	c := codecs.Get().(*codec)
	defer c.release()
	c.reading, c.packed, c.body = true, e == MessagePack, body
	f := c.frame()
	f.naming = true
	m.fields(c)
	f.naming = false
	if c.check(f) != nil {
		return nil
	}
	var unknown []string
	s := c.scanAt(0)
	s.space()
	size := s.enter()
	for i := 0; s.more(i, size) && len(unknown) < maxUnknown; i++ {
		if key := s.key(); f.find([]byte(key)) < 0 {
			unknown = append(unknown, key[:min(len(key), maxUnknownName)])
		}
		if s.value(0, nil) != nil {
			return nil // it was checked
		}
	}
	return unknown
}

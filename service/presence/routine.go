package presence

// Routine reports whether c tells of r no more than that it is alive: r is open, and
// c leaves its terms and its connection as they are.
func (c Keepalive) Routine(r Record) bool {
	same := func(told *int64, is int64) bool { return told == nil || *told == is }
	return r.State == Open && same(c.TTL, r.TTL) && same(c.Grace, r.Grace) &&
		(c.Server == "" || c.Server == r.Server && c.CID == r.CID)
}

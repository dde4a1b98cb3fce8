package schema

type codec struct{}

func (m *Acquire) fields(c *codec)   {}
func (m *Release) fields(c *codec)   {}
func (m *Renew) fields(c *codec)     {}
func (m *Cancel) fields(c *codec)    {}
func (m *Inspect) fields(c *codec)   {}
func (m *List) fields(c *codec)      {}
func (m *Keepalive) fields(c *codec) {}
func (m *Leave) fields(c *codec)     {}
func (m *Force) fields(c *codec)     {}
func (m *Reply) fields(c *codec)     {}
func (m *Event) fields(c *codec)     {}

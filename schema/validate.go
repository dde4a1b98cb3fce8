package schema

// Validate checks the request by itself.
func (m *Acquire) Validate() error { return nil }

// Validate checks the request by itself.
func (m *Release) Validate() error { return nil }

// Validate checks the request by itself.
func (m *Renew) Validate() error { return nil }

// Validate checks the request by itself.
func (m *Cancel) Validate() error { return nil }

// Validate checks the request by itself.
func (m *Inspect) Validate() error { return nil }

// Validate checks the request by itself.
func (m *List) Validate() error { return nil }

// Validate checks the request by itself.
func (m *Keepalive) Validate() error { return nil }

// Validate checks the request by itself.
func (m *Leave) Validate() error { return nil }

// Validate checks the request by itself.
func (m *Force) Validate() error { return nil }

package schema

// Request is a message that asks for something.
type Request interface {
	Message
	// Validate checks what can be checked without knowing the state of any
	// lock or session, after Address.Identify. Its error is an *Error with
	// StatusInvalid, or StatusLimit for a meta that is too long.
	Validate() error

	// caller is where the request has its client.
	caller() *string
}

// NewRequest returns an empty request for a verb, or nil if the verb is none.
func NewRequest(v Verb) Request {
	switch v {
	case VerbAcquire:
		return new(Acquire)
	case VerbRelease:
		return new(Release)
	case VerbRenew:
		return new(Renew)
	case VerbCancel:
		return new(Cancel)
	case VerbInspect:
		return new(Inspect)
	case VerbList:
		return new(List)
	case VerbKeepalive:
		return new(Keepalive)
	case VerbLeave:
		return new(Leave)
	case VerbForce:
		return new(Force)
	}
	return nil
}

// Identify gives the request the client that its subject names, if it names
// one. If the request itself names another, the error is an *Error with
// StatusDenied.
func (a Address) Identify(r Request) error {
	if !a.Named {
		return nil
	}
	client := r.caller()
	if *client != "" && *client != a.Client {
		return refuse(StatusDenied, "client", "is not the one that the subject names")
	}
	*client = a.Client
	return nil
}

func (m *Acquire) caller() *string   { return &m.Client }
func (m *Release) caller() *string   { return &m.Client }
func (m *Renew) caller() *string     { return &m.Client }
func (m *Cancel) caller() *string    { return &m.Client }
func (m *Inspect) caller() *string   { return &m.Client }
func (m *List) caller() *string      { return &m.Client }
func (m *Keepalive) caller() *string { return &m.Client }
func (m *Leave) caller() *string     { return &m.Client }
func (m *Force) caller() *string     { return &m.Client }

package schema

// Request is a message that asks for something.
type Request interface {
	Message
	// Validate checks what can be checked without knowing the state of any
	// lock or session. If the subject names the client, the request must have
	// been given it before. Its error is an *Error with StatusInvalid, or
	// StatusLimit for a meta that is too long.
	Validate() error
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

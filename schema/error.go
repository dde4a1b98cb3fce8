package schema

const notUTF8 = "not valid UTF-8"

// Error is a refusal: the status and the message of the reply that it becomes.
type Error struct {
	Status  Status
	Field   string // what is wrong, as names[3] or locks[0].token; "body" is the whole
	Message string // for people; begins with the field
}

// Error returns the status and the message.
func (e *Error) Error() string {
	return string(e.Status) + ": " + e.Message
}

// refuse returns an Error whose message begins with the field.
func refuse(status Status, field, what string) *Error {
	return &Error{Status: status, Field: field, Message: field + ": " + what}
}

func invalid(field, what string) *Error {
	return refuse(StatusInvalid, field, what)
}

// fault returns an Error that does not know its field yet: on the way out of
// nested values each level adds its part with within, and the last one
// finishes it.
func fault(what string) *Error {
	return &Error{Status: StatusInvalid, Message: what}
}

// within puts a part before the path to the field.
func (e *Error) within(part string) *Error {
	switch {
	case e.Field == "":
		e.Field = part
	case e.Field[0] == '[':
		e.Field = part + e.Field
	default:
		e.Field = part + "." + e.Field
	}
	return e
}

// finish puts the field before the message.
func (e *Error) finish() *Error {
	if e.Field == "" {
		e.Field = "body"
	}
	e.Message = e.Field + ": " + e.Message
	return e
}

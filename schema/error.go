package schema

// Error is a refusal: the status and the message of the reply that it becomes.
type Error struct {
	Status  Status
	Field   string // the field that is wrong, as names[3] or locks[0].token; "body" is the whole
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

package schema

// kind is what a value is, in either encoding.
type kind uint8

const (
	kindBroken kind = iota // no value at all
	kindNull
	kindFlag
	kindNumber
	kindText
	kindList
	kindObject
	kindBinary
	kindExtension
)

// String names the kind as messages for people do.
func (k kind) String() string {
	return [...]string{
		"nothing", "null", "true or false", "a number", "a string", "a list", "an object",
		"binary data", "an extension",
	}[k]
}

// misfit is the fault of a value of another kind than its field.
func misfit(want, got kind) *Error {
	wanted := want.String()
	if want == kindNumber {
		wanted = "a whole number"
	}
	return fault("want " + wanted + ", got " + got.String())
}

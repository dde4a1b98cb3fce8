package schema

// FieldType is what a field of a message holds.
type FieldType string

// The types of fields.
const (
	FieldFlag    FieldType = "flag"
	FieldNumber  FieldType = "number" // a whole one
	FieldText    FieldType = "text"
	FieldTime    FieldType = "time" // RFC 3339
	FieldMeta    FieldType = "meta" // any object
	FieldTexts   FieldType = "texts"
	FieldObjects FieldType = "objects" // a list
)

// Field is one field of a message, as Decode reads it.
type Field struct {
	Name   string
	Type   FieldType
	Fields []Field // of the objects of a list
}

// Fields returns the fields of a message, in their order: for descriptions of the
// protocol, which are so made from what reads it.
func Fields(m Message) []Field {
	var fields []Field
	m.fields(&codec{reading: true, told: &fields})
	return fields
}

// tell notes a field that is to be described.
func (c *codec) tell(name string, k kind) {
	types := [...]FieldType{kindFlag: FieldFlag, kindNumber: FieldNumber, kindText: FieldText, kindList: FieldTexts, kindObject: FieldMeta}
	*c.told = append(*c.told, Field{Name: name, Type: types[k]})
}

// tellTime corrects the last field, which is a time.
func (c *codec) tellTime() {
	if c.told != nil {
		(*c.told)[len(*c.told)-1].Type = FieldTime
	}
}

// tellObjects corrects the last field, which is a list of objects with such parts.
func (c *codec) tellObjects(parts func(*codec)) {
	last := &(*c.told)[len(*c.told)-1]
	last.Type = FieldObjects
	parts(&codec{reading: true, told: &last.Fields})
}

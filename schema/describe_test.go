package schema_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/natslock/natslock/schema"
)

func TestFieldsOfMessages(t *testing.T) {
	for _, c := range []struct {
		m    schema.Message
		want []schema.Field
	}{
		{new(schema.Cancel), []schema.Field{{Name: "name", Type: schema.FieldText}, {Name: "client", Type: schema.FieldText}, {Name: "request", Type: schema.FieldText}}},
		{new(schema.Release), []schema.Field{
			{Name: "name", Type: schema.FieldText},
			{Name: "names", Type: schema.FieldTexts},
			{Name: "locks", Type: schema.FieldObjects, Fields: []schema.Field{{Name: "name", Type: schema.FieldText}, {Name: "token", Type: schema.FieldNumber}}},
			{Name: "client", Type: schema.FieldText},
			{Name: "owner", Type: schema.FieldText},
			{Name: "token", Type: schema.FieldNumber},
			{Name: "session", Type: schema.FieldText},
			{Name: "show", Type: schema.FieldFlag},
			{Name: "forget", Type: schema.FieldText},
		}},
	} {
		if diff := cmp.Diff(c.want, schema.Fields(c.m)); diff != "" {
			t.Errorf("%T: %s", c.m, diff)
		}
	}
	types := map[schema.FieldType]bool{}
	for _, f := range append(schema.Fields(new(schema.Acquire)), schema.Fields(new(schema.Event))...) {
		types[f.Type] = true
	}
	if !types[schema.FieldMeta] || !types[schema.FieldTime] || types[schema.FieldObjects] {
		t.Errorf("%v", types)
	}
	holders := schema.Fields(new(schema.Reply))[7].Fields
	if len(holders) != 8 || holders[6].Name != "granted_at" || holders[6].Type != schema.FieldTime {
		t.Errorf("%v", holders)
	}
}

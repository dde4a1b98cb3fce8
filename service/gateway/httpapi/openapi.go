package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/natslock/natslock/schema"
)

// The parts of the document.
const (
	tagLocks     = "locks"
	tagOlder     = "compatible"
	tagOperators = "operators"
)

// told is what the document says of a call. Of a native one the fields are those
// that the decoder of its message reads.
type told struct {
	summary  string
	tag      string         // Default: locks
	message  schema.Message // the request
	query    []string       // its fields that are parameters. Default: it is a body
	without  []string       // its fields that the path has, or that are refused
	required []string       // its fields that must be given
	stream   schema.Message // what is told one after the other
	waits    bool           // it may take long

	body *huma.Schema // of a compatible call
	ok   *huma.Schema // its answer
}

// The schemas that calls share.
const (
	replySchema = "Reply"
	errorSchema = "HandleError"
)

// document makes the OpenAPI document of the routes.
func document(routes []route, version string) ([]byte, error) {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	registry.Map()[replySchema] = object(schema.Fields(new(schema.Reply)), nil, []string{"status"})
	registry.Map()[errorSchema] = errorAnswer()
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "natslock", Version: version,
			Description: "Distributed locks. Every reply has a status, and 200 means that it is so.",
			License:     &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Tags: []*huma.Tag{
			{Name: tagLocks, Description: "The protocol of natslock"},
			{Name: tagOlder, Description: "The calls of an older lock server"},
			{Name: tagOperators, Description: "For those who run it"},
		},
		Components: &huma.Components{Schemas: registry},
	}
	for _, r := range routes {
		for method, c := range r.calls {
			id := c.id
			if strings.HasPrefix(r.path, "/api/") {
				id += "Api"
			}
			doc.AddOperation(&huma.Operation{
				Method: method, Path: r.path, OperationID: id, Summary: c.told.summary, Tags: []string{c.told.section()},
				Parameters: c.told.parameters(r.path), RequestBody: c.told.requestBody(), Responses: c.told.responses(),
			})
		}
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	return append(body, '\n'), nil
}

func (t *told) section() string {
	if t.tag != "" {
		return t.tag
	}
	return tagLocks
}

// parameters are those of the path and of the query.
func (t *told) parameters(path string) (list []*huma.Param) {
	for _, segment := range strings.Split(path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			list = append(list, &huma.Param{Name: name, In: "path", Required: true, Description: about[name], Schema: bounded(name, &huma.Schema{Type: huma.TypeString})})
		}
	}
	if t.message == nil {
		return list
	}
	for _, f := range schema.Fields(t.message) {
		if slices.Contains(t.query, f.Name) {
			list = append(list, &huma.Param{Name: f.Name, In: "query", Description: about[f.Name], Schema: property(f)})
		}
	}
	return list
}

// requestBody is the body that the call reads, if it reads one.
func (t *told) requestBody() *huma.RequestBody {
	switch {
	case t.body != nil:
		return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json": {Schema: t.body}, "application/x-www-form-urlencoded": {Schema: t.body},
		}}
	case t.message == nil || t.query != nil:
		return nil
	}
	return &huma.RequestBody{
		Required: len(t.required) > 0,
		Content:  map[string]*huma.MediaType{"application/json": {Schema: object(schema.Fields(t.message), t.without, t.required)}},
	}
}

// responses are the answers by their code.
func (t *told) responses() map[string]*huma.Response {
	jsonOf := func(s *huma.Schema) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{"application/json": {Schema: s}}
	}
	reply := jsonOf(&huma.Schema{Ref: "#/components/schemas/" + replySchema})
	failure := reply
	list := map[string]*huma.Response{}
	switch {
	case t.ok != nil:
		failure = jsonOf(&huma.Schema{Ref: "#/components/schemas/" + errorSchema})
		list["200"] = &huma.Response{Description: "The answer; a refusal is one too", Content: jsonOf(t.ok)}
	case t.stream != nil:
		list["200"] = &huma.Response{Description: "One event after the other; each data is such an object", Content: map[string]*huma.MediaType{
			"text/event-stream": {Schema: object(schema.Fields(t.stream), nil, nil)},
		}}
	case t.message != nil:
		list["200"] = &huma.Response{Description: "It is so", Content: reply}
	default:
		list["200"] = &huma.Response{Description: "It is so"}
	}
	codes := map[schema.Status]string{
		schema.StatusDenied: "A page of another web site", schema.StatusLimit: "A bound would be passed",
		schema.StatusUnavailable: "Nobody could decide, or this natslock stops: call again",
	}
	if t.message != nil || t.stream != nil || t.ok != nil {
		codes[schema.StatusInvalid] = "The request makes no sense: the message says why"
		codes[schema.StatusInternal] = "A fault of natslock"
	}
	if t.message != nil {
		codes[schema.StatusHeld] = "held, timeout, canceled or size_mismatch"
		codes[schema.StatusNotHeld] = "not_held"
	}
	for status, description := range codes {
		list[strconv.Itoa(Code(status))] = &huma.Response{Description: description, Content: failure}
	}
	if t.requestBody() != nil {
		list[strconv.Itoa(http.StatusRequestEntityTooLarge)] = &huma.Response{Description: "The body is too large", Content: failure}
	}
	list["503"].Headers = map[string]*huma.Param{"Retry-After": {Description: "seconds", Schema: &huma.Schema{Type: huma.TypeInteger}}}
	return list
}

// object is the schema of an object with fields, less some.
func object(fields []schema.Field, without, required []string) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{}, Required: required, AdditionalProperties: true}
	for _, f := range fields {
		if !slices.Contains(without, f.Name) {
			p := property(f)
			p.Description = about[f.Name]
			s.Properties[f.Name] = p
		}
	}
	return s
}

// property is the schema of one field.
func property(f schema.Field) *huma.Schema {
	switch f.Type {
	case schema.FieldFlag:
		return &huma.Schema{Type: huma.TypeBoolean}
	case schema.FieldNumber:
		return bounded(f.Name, &huma.Schema{Type: huma.TypeInteger, Format: "int64"})
	case schema.FieldTime:
		return &huma.Schema{Type: huma.TypeString, Format: "date-time"}
	case schema.FieldMeta:
		return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
	case schema.FieldTexts:
		return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}}
	case schema.FieldObjects:
		return &huma.Schema{Type: huma.TypeArray, Items: object(f.Fields, nil, nil)}
	case schema.FieldText:
	}
	return bounded(f.Name, &huma.Schema{Type: huma.TypeString, Enum: words(f.Name)})
}

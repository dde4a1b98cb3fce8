package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/natslock/natslock/schema"
)

// form is the body of one of the compatible calls, JSON or urlencoded: text,
// json.Number, bool, []any, map[string]any. An urlencoded one has nothing but text,
// and lists of it.
type form struct {
	fields  map[string]any
	encoded bool
}

// lockKey is a key and its version, as the older server names a lock and its token.
type lockKey struct {
	Key     string `json:"key"`
	Version uint64 `json:"version"`
}

// parseForm reads a body.
func parseForm(contentType string, body []byte) (form, error) {
	if !utf8.Valid(body) {
		return form{}, errors.New("the body is not valid UTF-8")
	}
	if media, _, err := mime.ParseMediaType(contentType); err == nil && media == "application/x-www-form-urlencoded" {
		return parseEncoded(string(body))
	}
	f := form{}
	if len(bytes.TrimSpace(body)) == 0 {
		return f, nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&f.fields); err != nil {
		return f, fmt.Errorf("the body is no JSON object: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return f, errors.New("the body goes on after the JSON object")
	}
	return f, nil
}

func parseEncoded(body string) (form, error) {
	values, err := url.ParseQuery(body)
	if err != nil {
		return form{}, fmt.Errorf("the body is not urlencoded: %w", err)
	}
	if body = strings.TrimSpace(body); strings.HasPrefix(body, "{") && !values.Has("uid") && !values.Has("keys") {
		return form{}, errors.New("the body is JSON, and said to be a form: send Content-Type: application/json")
	}
	f := form{fields: map[string]any{}, encoded: true}
	for name, list := range values {
		if !utf8.ValidString(name) || slices.ContainsFunc(list, func(s string) bool { return !utf8.ValidString(s) }) {
			return f, errors.New("the body is not valid UTF-8")
		}
		if f.fields[name] = list[0]; len(list) > 1 {
			all := make([]any, len(list))
			for i, text := range list {
				all[i] = text
			}
			f.fields[name] = all
		}
	}
	return f, nil
}

// uid is who asks.
func (f *form) uid() (string, error) {
	uid, ok := f.fields["uid"].(string)
	switch {
	case f.fields["uid"] == nil || ok && uid == "":
		return "", errors.New("key `uid` is required")
	case !ok:
		return "", errors.New("invalid key `uid`, should be a string")
	case len(uid) > schema.MaxClient:
		return "", fmt.Errorf("invalid key `uid`, at most %d bytes", schema.MaxClient)
	}
	return uid, nil
}

// keys are the names of locks, each once, in their order.
func (f *form) keys() ([]string, error) {
	var list []any
	switch keys := f.fields["keys"].(type) {
	case nil:
	case []any:
		list = keys
	default:
		list = []any{keys}
	}
	if len(list) == 0 {
		return nil, errors.New("key `keys` is required")
	}
	var names []string
	for _, v := range list {
		key, ok := v.(string)
		if !ok {
			return nil, errors.New("invalid key `keys`, should be a string or an array of strings")
		}
		if key == "" || len(key) > schema.MaxName {
			return nil, fmt.Errorf("invalid key `keys`, each should have 1 to %d bytes", schema.MaxName)
		}
		if slices.Contains(names, key) {
			continue
		}
		if names = append(names, key); len(names) > schema.MaxNames {
			return nil, fmt.Errorf("invalid key `keys`, at most %d", schema.MaxNames)
		}
	}
	return names, nil
}

// leastExpiry is the shortest that a lock is held: what is to expire sooner, does
// so then.
const leastExpiry = schema.MinTTL

// exp is how long a lock is to be held, in milliseconds.
func (f *form) exp(normal time.Duration) (int64, error) {
	var text string
	switch exp := f.fields["exp"].(type) {
	case nil:
		return normal.Milliseconds(), nil
	case json.Number:
		text = exp.String()
	case string:
		if f.encoded {
			text = exp
		}
	}
	ms, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || ms != ms: // NaN
		return 0, errors.New("invalid key `exp`, should be a number")
	case ms != float64(int64(ms)) || ms < 0 || ms > schema.MaxTTL:
		return 0, fmt.Errorf("invalid key `exp`, should be a whole number from 0 to %d", schema.MaxTTL)
	}
	return max(int64(ms), leastExpiry), nil
}

// tokens are the locks to be given back, with their versions.
func (f *form) tokens() ([]lockKey, error) {
	field := "tokens"
	given := f.fields[field]
	if given == nil {
		field = "keys"
		given = f.fields[field]
	}
	malformed := fmt.Errorf("key `%s` should be an array of objects with keys `key` and `version`", field)
	list, ok := given.([]any)
	switch {
	case given == nil:
		return nil, errors.New("key `keys` is required, or `tokens`")
	case ok && len(list) == 0:
		return nil, fmt.Errorf("key `%s` is required, and should not be empty", field)
	case !ok:
		return nil, malformed
	}
	var tokens []lockKey
	for _, v := range list {
		pair, _ := v.(map[string]any)
		key, named := pair["key"].(string)
		number, numbered := pair["version"].(json.Number)
		version, err := number.Float64()
		if !named || key == "" || len(key) > schema.MaxName || !numbered || err != nil {
			return nil, malformed
		}
		one := lockKey{Key: key}
		if version == float64(uint64(version)) && version > 0 && version <= schema.MaxToken {
			one.Version = uint64(version) // of no other is there a lock
		}
		if slices.Contains(tokens, one) {
			continue
		}
		if tokens = append(tokens, one); len(tokens) > schema.MaxNames {
			return nil, fmt.Errorf("invalid key `%s`, at most %d", field, schema.MaxNames)
		}
	}
	return tokens, nil
}

package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/natslock/natslock/schema"
)

// metaFlag is --meta: repeated, each a key=value or a JSON object. Later keys
// replace earlier ones.
type metaFlag []string

func (f metaFlag) meta() (schema.Meta, error) {
	var all schema.Meta
	for _, s := range f {
		one, err := parseMeta(s)
		if err != nil {
			return nil, invalid("meta", err)
		}
		if all, err = all.Merge(one); err != nil {
			return nil, invalid("meta", err)
		}
	}
	return all, nil
}

func parseMeta(s string) (schema.Meta, error) {
	if strings.HasPrefix(strings.TrimSpace(s), "{") {
		return schema.ParseMeta([]byte(s))
	}
	key, value, ok := strings.Cut(s, "=")
	if !ok || key == "" {
		return nil, fmt.Errorf("%q is neither key=value nor a JSON object", s)
	}
	object, err := json.Marshal(map[string]string{key: value})
	if err != nil {
		return nil, err
	}
	return schema.ParseMeta(object)
}

package schema

import (
	"fmt"
	"unicode/utf8"
)

// The checks that requests have in common. Each returns an *Error, or nil.

// first returns the first error there is.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkGiven checks that a text was given; an empty one counts as not given.
func checkGiven(field, text string) error {
	if text == "" {
		return invalid(field, "required")
	}
	return nil
}

// checkText checks a text that need not be given.
func checkText(field, text string, limit int) error {
	if len(text) > limit {
		return invalid(field, fmt.Sprintf("%d bytes, at most %d", len(text), limit))
	}
	if !utf8.ValidString(text) {
		return invalid(field, notUTF8)
	}
	return nil
}

// checkName checks a lock's name, which is required.
func checkName(field, name string) error {
	return first(checkGiven(field, name), checkText(field, name, MaxName))
}

// checkNames checks that either a name or at most limit names were given.
func checkNames(name string, names []string, limit int) error {
	switch {
	case len(names) == 0 && name == "":
		return invalid("name", "required, or names")
	case len(names) == 0:
		return checkName("name", name)
	case name != "":
		return invalid("names", "give name or names, not both")
	case len(names) > limit:
		return tooMany(limit).within("names").finish()
	}
	for i, name := range names {
		if name == "" || len(name) > MaxName || !utf8.ValidString(name) {
			return checkName("names"+index(i), name)
		}
	}
	return nil
}

// checkDistinct checks that no name is there twice. There are few enough to
// compare each with each.
func checkDistinct(names []string) error {
	for i, name := range names {
		for j, earlier := range names[:i] {
			if name == earlier {
				return invalid("names"+index(i), "the same as names"+index(j))
			}
		}
	}
	return nil
}

func checkRange(field string, n, least, most int64) error {
	if n < least || n > most {
		return invalid(field, fmt.Sprintf("want %d to %d, got %d", least, most, n))
	}
	return nil
}

// checkOptional checks the range of a number that need not be given.
func checkOptional(field string, n *int64, least, most int64) error {
	if n == nil {
		return nil
	}
	return checkRange(field, *n, least, most)
}

// checkTTL checks the TTL of a hold; 0 is none.
func checkTTL(ttl *int64) error {
	if ttl == nil || *ttl == 0 {
		return nil
	}
	return checkRange("ttl_ms", *ttl, MinTTL, MaxTTL)
}

// checkToken checks a token, or another number that is as large.
func checkToken(field string, n uint64) error {
	if n > MaxToken {
		return invalid(field, fmt.Sprintf("%d, at most %d", n, uint64(MaxToken)))
	}
	return nil
}

func checkGivenToken(field string, token uint64) error {
	if token == 0 {
		return invalid(field, "required")
	}
	return checkToken(field, token)
}

func checkMeta(m Meta) error {
	if len(m) > MaxMeta {
		return refuse(StatusLimit, "meta", fmt.Sprintf("%d bytes, at most %d", len(m), MaxMeta))
	}
	return nil
}

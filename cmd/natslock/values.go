package main

import (
	"encoding"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// The values of flags are read here, and not by the parser, so that what is
// wrong with one is said in a sentence that shows what would be right.
func valueMappers() []kong.Option {
	return []kong.Option{
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(durationValue)),
		kong.TypeMapper(reflect.TypeFor[holders](), kong.MapperFunc(holdersValue)),
		kong.KindMapper(reflect.Int, kong.MapperFunc(intValue)),
		kong.KindMapper(reflect.Int64, kong.MapperFunc(intValue)),
		kong.KindMapper(reflect.Uint64, kong.MapperFunc(uintValue)),
	}
}

// Durations are never negative.
func durationValue(ctx *kong.DecodeContext, target reflect.Value) error {
	const such = "a duration such as 500ms, 30s, 5m or 1h30m"
	word, err := popValue(ctx, such)
	if err != nil {
		return err
	}
	d, err := time.ParseDuration(word)
	_, noUnit := strconv.ParseFloat(word, 64)
	switch {
	case err == nil && d >= 0:
		target.SetInt(int64(d))
		return nil
	case err == nil || strings.HasPrefix(word, "-"):
		return fmt.Errorf("%s is negative: give %s", word, such)
	case noUnit == nil:
		return fmt.Errorf("%s has no unit: write %[1]sms or %[1]ss, or give %s", word, such)
	}
	return fmt.Errorf("%q is no duration: give %s", word, such)
}

func intValue(ctx *kong.DecodeContext, target reflect.Value) error {
	word, err := popValue(ctx, "a whole number")
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(word, 10, target.Type().Bits())
	if err != nil {
		return fmt.Errorf("%q is no whole number", word)
	}
	target.SetInt(n)
	return nil
}

// holders is how many may hold a lock at one time; 0 is not given.
type holders int

// To the protocol 0 is no bound, as no size is. Whoever writes it here has most
// likely counted something, and means neither that nor a lock for one.
func holdersValue(ctx *kong.DecodeContext, target reflect.Value) error {
	if err := intValue(ctx, target); err != nil {
		return err
	}
	if target.Int() == 0 {
		return errors.New("0 holders: give 1 or more, or --shared without it for any number")
	}
	return nil
}

func uintValue(ctx *kong.DecodeContext, target reflect.Value) error {
	word, err := popValue(ctx, "a number")
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(word, 10, target.Type().Bits())
	if err != nil {
		return fmt.Errorf("%q is no whole number", word)
	}
	target.SetUint(n)
	return nil
}

// popValue takes the value of a flag. A negative number is one, too.
func popValue(ctx *kong.DecodeContext, such string) (string, error) {
	token := ctx.Scan.Pop()
	word := token.String()
	number := len(word) > 1 && word[0] == '-' && ('0' <= word[1] && word[1] <= '9' || word[1] == '.')
	switch {
	case token.IsEOL():
		return "", fmt.Errorf("give %s", such)
	case !token.IsValue() && !number:
		return "", fmt.Errorf("give %s; %s is another flag", such, word)
	}
	return word, nil
}

// listenAddr is where to listen; "" is nowhere.
type listenAddr string

var _ encoding.TextUnmarshaler = (*listenAddr)(nil)

// UnmarshalText reads host:port.
func (a *listenAddr) UnmarshalText(text []byte) error {
	*a = listenAddr(text)
	if len(text) == 0 {
		return nil
	}
	_, port, err := net.SplitHostPort(string(text))
	if err != nil {
		return fmt.Errorf("%q is not host:port: give an address such as 127.0.0.1:4222", text)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q: the port must be a number from 0 to 65535", text)
	}
	return nil
}

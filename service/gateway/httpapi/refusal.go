package httpapi

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/natslock/natslock/schema"
)

// What net/http answers by itself, before there is a request that a handler could see: a
// status line, these headers and a text; nothing but the status to an Expect that it does
// not know; and a text to those who do not know that TLS is spoken here. No answer of a
// handler here is like that: all have headers that come before these in the alphabet.
var (
	refusalStart   = []byte("HTTP/1.1 ")
	refusalHeaders = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")
	noExpectation  = []byte("HTTP/1.1 417 ")
	noTLS          = []byte("HTTP/1.0 400 Bad Request\r\n\r\n")
)

// refused is the status and the text of an answer of net/http's own; ok is false if it
// is none.
func refused(written []byte) (code int, text string, ok bool) {
	if bytes.HasPrefix(written, noTLS) {
		return http.StatusBadRequest, "https is served here", true
	}
	if bytes.HasPrefix(written, noExpectation) {
		return http.StatusExpectationFailed, "expect: only 100-continue is known", true
	}
	rest, ok := bytes.CutPrefix(written, refusalStart)
	if !ok {
		return 0, "", false
	}
	line, said, ok := bytes.Cut(rest, refusalHeaders)
	if !ok || len(line) < 3 || bytes.IndexByte(line, '\r') >= 0 {
		return 0, "", false
	}
	if code, _ = strconv.Atoi(string(line[:3])); code < http.StatusBadRequest {
		return 0, "", false
	}
	return code, refusalText(code, string(said)), true
}

// refusal is the answer of the protocol instead of one of net/http's own; ok is false
// if it is none of those.
func refusal(written []byte) (answer []byte, ok bool) {
	code, text, ok := refused(written)
	if !ok {
		return nil, false
	}
	body := append(schema.Append(nil, schema.JSON, &schema.Reply{Status: schema.StatusInvalid, Message: text}), '\n')
	answer = fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: %d\r\nContent-Type: application/json\r\nX-Content-Type-Options: nosniff\r\n\r\n",
		code, http.StatusText(code), len(body))
	return append(answer, body...), true
}

// refusalText says what is wrong with what was no request, as far as net/http tells.
func refusalText(code int, text string) string {
	switch code {
	case http.StatusRequestHeaderFieldsTooLarge:
		return fmt.Sprintf("header: more than %d bytes", maxHeader)
	case http.StatusNotImplemented:
		return "transfer-encoding: only chunked is known"
	}
	if _, detail, ok := strings.Cut(text, ": "); ok {
		return "this is no HTTP request that is understood here: " + detail
	}
	return "this is no HTTP request"
}

package engine

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
)

// parsePayload yields the packets of a payload as they are read, up to the first that
// is none, which it yields as an error. Of each it keeps so many bytes at most.
func parsePayload(payload io.Reader, most int) iter.Seq2[packet, error] {
	return func(yield func(packet, error) bool) {
		from := bufio.NewReader(payload)
		for more := true; more; {
			var p packet
			var err error
			p, more, err = nextPolled(from, most)
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// nextPolled reads a packet of a payload, and whether there is one behind it.
func nextPolled(from *bufio.Reader, most int) (p packet, more bool, err error) {
	text, cut, more, err := nextText(from, most)
	switch {
	case err != nil:
		return packet{}, false, err
	case !cut:
		p, err = parsePolled(text)
	case text[0] == base64Mark:
		p = cutBytes
	default:
		p, err = cutText(text)
	}
	return p, more, err
}

// nextText reads up to a separator or the end, and keeps the beginning.
func nextText(from *bufio.Reader, most int) (text []byte, cut, more bool, err error) {
	for {
		part, err := from.ReadSlice(separator)
		if err == nil {
			part, more = part[:len(part)-1], true
		}
		room := min(len(part), most-len(text))
		text = append(text, part[:room]...)
		cut = cut || room < len(part)
		switch {
		case err == nil, errors.Is(err, io.EOF):
			return text, cut, more, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, false, readError(err)
		}
	}
}

// readError is why a body could not be read.
func readError(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return ErrTooLarge
	}
	return fmt.Errorf("%w: %w", ErrTransport, err)
}

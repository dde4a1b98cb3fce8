package socket

import (
	"fmt"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
)

// maxAttachments is how many attachments are read of a packet that may have fewer: no
// page sends as many by mistake.
const maxAttachments = 1024

// assembler puts packets and their attachments together. It keeps none of a packet that
// is refused.
type assembler struct {
	most        int // attachments of a packet
	header      packet
	seen        int // of them
	attachments [][]byte
}

// add takes a message. It reports whether a packet is complete with it.
func (a *assembler) add(m engine.Message) (packet, [][]byte, bool, error) {
	switch {
	case m.Binary != a.incomplete():
		return packet{}, nil, false, fmt.Errorf("%w: an attachment that is none", ErrPacket)
	case m.Binary:
		a.attach(m)
	default:
		p, err := parseMessage(m)
		if err != nil {
			return packet{}, nil, false, err
		}
		if p.attachments > max(a.most, maxAttachments) {
			return packet{}, nil, false, ErrAttachments
		}
		if p.attachments > a.most && p.refused == nil {
			p.refused = ErrAttachments
		}
		a.header, a.seen, a.attachments = p, 0, nil
	}
	if a.incomplete() {
		return packet{}, nil, false, nil
	}
	p, attachments := a.header, a.attachments
	a.header, a.seen, a.attachments = packet{}, 0, nil
	return p, attachments, true, nil
}

// attach takes an attachment.
func (a *assembler) attach(m engine.Message) {
	a.seen++
	if m.Cut {
		a.header.refused = engine.ErrTooLarge
	}
	if a.header.refused != nil {
		a.attachments = nil
		return
	}
	a.attachments = append(a.attachments, m.Data)
}

// incomplete reports whether attachments are to come.
func (a *assembler) incomplete() bool { return a.seen < a.header.attachments }

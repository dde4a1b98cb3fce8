package socket

import (
	"fmt"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
)

// assembler puts packets and their attachments together.
type assembler struct {
	most        int // attachments of a packet
	header      packet
	attachments [][]byte
}

// add takes a message. It reports whether a packet is complete with it.
func (a *assembler) add(m engine.Message) (packet, [][]byte, bool, error) {
	switch {
	case m.Binary != a.incomplete():
		return packet{}, nil, false, fmt.Errorf("%w: an attachment that is none", ErrPacket)
	case m.Binary:
		a.attachments = append(a.attachments, m.Data)
	default:
		p, err := parse(m.Data)
		if err != nil {
			return packet{}, nil, false, err
		}
		if p.attachments > a.most {
			return packet{}, nil, false, ErrAttachments
		}
		a.header, a.attachments = p, nil
	}
	if a.incomplete() {
		return packet{}, nil, false, nil
	}
	p, attachments := a.header, a.attachments
	a.header, a.attachments = packet{}, nil
	return p, attachments, true, nil
}

// incomplete reports whether attachments are to come.
func (a *assembler) incomplete() bool { return len(a.attachments) < a.header.attachments }

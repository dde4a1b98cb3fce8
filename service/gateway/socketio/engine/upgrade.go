package engine

import (
	"fmt"
	"net/http"
	"time"
)

// serveUpgrade lets a websocket take over from polling. While it has not, the
// client is polling on, and it may go on so when the upgrade fails.
func (s *Session) serveUpgrade(w http.ResponseWriter, r *http.Request) error {
	ws, err := s.server.config.accept(w, r)
	if err != nil {
		return nil // it is answered
	}
	defer ws.release()
	late := time.AfterFunc(s.server.config.UpgradeTimeout, ws.cut)
	defer late.Stop()
	if !s.claim(ws) {
		ws.close()
		return nil
	}
	err = s.probeWith(ws)
	s.step(func(now time.Time) {
		s.probe = nil
		if err != nil {
			s.core.unclaim()
			return
		}
		if err = s.core.upgrade(now); err == nil {
			s.wire = ws
		}
	})
	if err != nil {
		ws.close()
		return nil
	}
	late.Stop()
	s.read(ws)
	return nil
}

// claim reports whether the websocket may take over.
func (s *Session) claim(ws *wire) (claimed bool) {
	s.step(func(now time.Time) {
		if claimed = s.core.claim(now); claimed {
			s.probe = ws
		}
	})
	return claimed
}

// probeWith goes through the steps of the upgrade.
func (s *Session) probeWith(ws *wire) error {
	if err := expect(ws, kindPing, probe); err != nil {
		return err
	}
	s.step(s.core.probe)
	if err := ws.write(packet{kind: kindPong, data: []byte(probe)}); err != nil {
		return err
	}
	return expect(ws, kindUpgrade, "")
}

// expect reads a packet that must be this one.
func expect(ws *wire, k kind, text string) error {
	p, err := ws.read()
	if err == nil && !p.is(k, text) {
		err = fmt.Errorf("%w: in an upgrade", ErrPacket)
	}
	return err
}

// read takes what comes over the websocket that carries the session, until it
// ends.
func (s *Session) read(ws *wire) {
	defer s.discard(ErrTransport) // does nothing unless a receiver panicked
	for {
		p, err := ws.read()
		if err == nil {
			err = s.receive(func(yield func(packet, error) bool) { yield(p, nil) })
		}
		if err != nil {
			s.discard(err)
			return
		}
	}
}

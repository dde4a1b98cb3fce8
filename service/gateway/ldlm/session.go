package ldlm

import (
	"context"
	"sync"
	"time"

	"github.com/natslock/natslock/client"
)

// session is what ends with whoever locks: a connection, or a session of REST.
type session struct {
	server  *Server
	address string
	lost    func() // called when its locks are lost, which its client must learn

	opening sync.Mutex   // while leaf is being opened
	leaf    *client.Leaf // nil: nothing was locked yet
	ended   bool
}

// open returns the leaf, which the first who asks for a lock opens.
func (s *session) open(ctx context.Context) (*client.Leaf, error) {
	s.opening.Lock()
	defer s.opening.Unlock()
	if s.ended {
		return nil, errLost
	}
	if s.leaf == nil {
		leaf, err := s.server.gateway.OpenLeaf(ctx, "")
		if err != nil {
			return nil, err
		}
		s.leaf = leaf
		context.AfterFunc(leaf.Context(), s.lost)
	}
	return s.leaf, nil
}

// leaveTimeout is how long a session's end may take in the foreground.
const leaveTimeout = time.Second

// end releases what is held by the session.
func (s *session) end() {
	s.opening.Lock()
	defer s.opening.Unlock()
	s.ended = true
	if s.leaf == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	if err := s.leaf.Leave(ctx); err != nil {
		s.server.config.Logger.Debug("ldlm: a session's end goes on in the background", "err", err)
	}
}

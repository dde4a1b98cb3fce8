package locker

import "time"

// Within has the service answer each request within so long. It is called before sockets
// connect.
func (s *Server) Within(patience time.Duration) { s.patience = patience }

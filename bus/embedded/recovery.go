package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// recovered refuses to go on when a stream that has a directory is not there:
// the server could not read it, for a reason that verify does not know, and it
// would be made anew over its files.
func (s *Server) recovered() error {
	streams := filepath.Join(jetStreamDir(s.data.path), Account, "streams")
	dirs, err := os.ReadDir(streams)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("data directory %s cannot be read: %w", s.data.path, err)
	}
	detail, err := s.nats.JszAccount(&server.JSzOptions{Account: Account, Streams: true})
	if err != nil {
		return fmt.Errorf("nats server: %w", err)
	}
	there := map[string]bool{}
	for _, stream := range detail.Streams {
		there[stream.Name] = true
	}
	for _, dir := range dirs {
		if dir.IsDir() && !strings.HasPrefix(dir.Name(), ".") && !there[dir.Name()] {
			return fmt.Errorf("data directory %s is damaged: the nats server cannot read %s (%s)",
				s.data.path, filepath.Join(streams, dir.Name()), s.log.lastWarning())
		}
	}
	return nil
}

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

// recovered refuses data that the server could not read. The server goes on
// without a stream whose files are damaged, and would make it anew over them.
func (s *Server) recovered() error {
	streams := filepath.Join(jetStreamDir(s.data.path), Account, "streams")
	dirs, err := os.ReadDir(streams)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("data directory %s: %w", s.data.path, err)
	}
	detail, err := s.nats.JszAccount(&server.JSzOptions{Account: Account, Streams: true})
	if err != nil {
		return fmt.Errorf("nats server: %w", err)
	}
	read := map[string]server.StreamState{}
	for _, stream := range detail.Streams {
		read[stream.Name] = stream.State
	}
	for _, dir := range dirs {
		if !dir.IsDir() || strings.HasPrefix(dir.Name(), ".") {
			continue // left over from a deletion
		}
		path := filepath.Join(streams, dir.Name())
		state, ok := read[dir.Name()]
		if !ok {
			return fmt.Errorf("data directory %s is damaged: the server cannot read the stream in %s; restore it from a copy, or move it away to begin without its locks", s.data.path, path)
		}
		if state.Lost != nil {
			return fmt.Errorf("data directory %s is damaged: %d records of the stream in %s are lost; restore it from a copy, or move it away to begin without its locks", s.data.path, len(state.Lost.Msgs), path)
		}
	}
	return nil
}

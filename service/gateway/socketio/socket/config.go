package socket

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
)

// The defaults of a Config.
const (
	DefaultConnectTimeout    = 10 * time.Second
	DefaultAttachmentTimeout = 10 * time.Second
	DefaultMaxNamespaces     = 4
	DefaultMaxRunning        = 64
	DefaultMaxAcks           = 64
)

// Connect is called when a client connects to a namespace. It registers what
// handles the events of the socket, which come after it has returned. An error
// refuses the client: it is told a *Refusal, of any other error nothing. What it
// emits follows the answer to the client.
type Connect func(*Socket) error

// Config is what a server is made of. A zero stands for the default.
type Config struct {
	// Engine is what the server runs on. Its Accept is not set.
	Engine engine.Config
	// Namespaces are those that clients may connect to, such as "/".
	Namespaces map[string]Connect

	// ConnectTimeout is how long a client may be connected to no namespace.
	ConnectTimeout time.Duration
	// AttachmentTimeout is how long the attachments of a packet may take.
	AttachmentTimeout time.Duration
	// MaxNamespaces is how many namespaces a client may be connected to.
	MaxNamespaces int
	// MaxAttachments is how many attachments a packet may have. None by default:
	// bytes are refused, see Data.Err.
	MaxAttachments int
	// MaxRunning is how many functions a socket runs at once, see Socket.Go.
	MaxRunning int
	// MaxAcks is how many acknowledgements a socket waits for at once.
	MaxAcks int
}

// withDefaults returns the config with its zeros replaced, or what is wrong.
func (c Config) withDefaults() (Config, error) {
	if c.Engine.Accept != nil {
		return c, errors.New("socket: Engine.Accept is set")
	}
	if len(c.Namespaces) == 0 {
		return c, errors.New("socket: no namespace")
	}
	for name, connect := range c.Namespaces {
		if !strings.HasPrefix(name, root) || strings.Contains(name, ",") || connect == nil {
			return c, fmt.Errorf("socket: namespace %q", name)
		}
	}
	return c, errors.Join(
		orDefault("ConnectTimeout", &c.ConnectTimeout, DefaultConnectTimeout),
		orDefault("AttachmentTimeout", &c.AttachmentTimeout, DefaultAttachmentTimeout),
		orDefault("MaxNamespaces", &c.MaxNamespaces, DefaultMaxNamespaces),
		orDefault("MaxAttachments", &c.MaxAttachments, 0),
		orDefault("MaxRunning", &c.MaxRunning, DefaultMaxRunning),
		orDefault("MaxAcks", &c.MaxAcks, DefaultMaxAcks),
	)
}

func orDefault[T int | time.Duration](name string, value *T, standard T) error {
	if *value < 0 {
		return fmt.Errorf("socket: %s is negative: %v", name, *value)
	}
	if *value == 0 {
		*value = standard
	}
	return nil
}

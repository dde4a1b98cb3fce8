package lockd

import (
	"time"

	"github.com/natslock/natslock/client"
)

// ClusterWithin is Cluster with another timeout.
func ClusterWithin(c *client.Client, realm string, timeout time.Duration) Locks {
	return newCluster(c, realm, timeout)
}

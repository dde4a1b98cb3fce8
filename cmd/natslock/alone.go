package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
)

// checkAlone finds what doors alone are missing.
func (c *serveCmd) checkAlone() error {
	door := c.HTTP != "" || c.Lockd != "" || c.LockdUnix != "" || c.LockdWS != "" || c.LDLM != "" || c.LDLMREST != ""
	switch {
	case c.NoWorker && c.NATSURL == "":
		return usagef("serve: --no-worker: give --nats-url, the NATS on which workers are")
	case c.NoWorker && !door:
		return usagef("serve: --no-worker without a door is nothing: give --http, --lockd, --lockd-unix, --lockd-ws, --ldlm or --ldlm-rest")
	}
	return nil
}

// openAlone starts doors to workers that are elsewhere.
func (n *node) openAlone(ctx context.Context, c *serveCmd, log *slog.Logger) error {
	registry := n.registry()
	if err := n.exporter(ctx, c, registry, log); err != nil {
		return err
	}
	return n.openDoors(ctx, c, registry, log)
}

// workerPatience is how long no worker may answer when doors start. Tests make it shorter.
var workerPatience = time.Minute

// answerPause is between tries when the answer is that there is none.
const answerPause = 200 * time.Millisecond

// alone waits for a worker, calls ready, and returns when ctx ends, or when the doors
// can go on no more.
func (d *doors) alone(ctx context.Context, ready func()) error {
	closed := d.nats.StatusChanged(nats.CLOSED)
	if d.nats.IsClosed() {
		return d.closedError()
	}
	defer d.nats.RemoveStatusListener(closed)
	d.log.Info("waiting for a worker on this nats to answer")
	if err := d.await(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	ready()
	select {
	case <-ctx.Done():
		return nil
	case <-closed:
		return d.closedError()
	}
}

func (d *doors) closedError() error {
	return fmt.Errorf("the connection to nats is closed for good: %w", errors.Join(d.nats.LastError(), bus.ErrDisconnected))
}

// await returns nil when a worker answers, or ctx has ended.
func (d *doors) await(ctx context.Context) error {
	patient, cancel := context.WithTimeout(ctx, workerPatience)
	defer cancel()
	for {
		err := d.gateway.Answered(patient)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		select {
		case <-time.After(answerPause):
		case <-patient.Done():
			return fmt.Errorf("no worker has answered on this nats within %s: start one, by natslock serve without --no-worker: %s", workerPatience, err.Error())
		}
	}
}

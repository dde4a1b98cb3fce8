package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/service/gateway"
)

// scrapeTimeout bounds one request for metrics.
const scrapeTimeout = 10 * time.Second

// registry takes the metrics of the node.
func (n *node) registry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for name, bucket := range map[string]*bus.Bucket{"locks": n.locks, "sessions": n.sessions} {
		if bucket == nil {
			continue // that is for a worker
		}
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "natslock_replica_lag_writes",
			Help:        "Writes of the store that this worker had yet to see when the last one came.",
			ConstLabels: prometheus.Labels{"bucket": name},
		}, func() float64 { return float64(bucket.Behind()) }))
	}
	version := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "natslock_build_info", Help: "1, with the version of natslock.", ConstLabels: prometheus.Labels{"version": about().Version},
	})
	version.Set(1)
	registry.MustRegister(version)
	return registry
}

// metricsHandler answers requests for metrics.
func metricsHandler(registry *prometheus.Registry, log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), MaxRequestsInFlight: 4, Timeout: scrapeTimeout,
	})
}

// exporter serves metrics over HTTP, until the node is closed.
func (n *node) exporter(ctx context.Context, c *serveCmd, registry *prometheus.Registry, log *slog.Logger) error {
	if c.Metrics == "" {
		return nil
	}
	listener, err := gateway.Listen(ctx, string(c.Metrics))
	if err != nil {
		return fmt.Errorf("metrics: %w", orElsewhere(err, byFlag("metrics")))
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metricsHandler(registry, log))
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: scrapeTimeout, WriteTimeout: 2 * scrapeTimeout, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are served no more", "err", err)
		}
	})
	n.closers = append(n.closers, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err := errors.Join(server.Shutdown(ctx), server.Close())
		serving.Wait()
		return err
	})
	log.Info("metrics", "url", "http://"+listener.Addr().String()+"/metrics")
	return nil
}

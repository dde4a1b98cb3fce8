package ldlm

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/natslock/natslock/service/gateway"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// Config says how a Server works. The zero Config is usable, but for the Realm.
type Config struct {
	Realm    string
	Password string       // "" is none
	TLS      *tls.Config  // nil is none
	Keep     bool         // what a connection or a session of REST holds outlives it
	Logger   *slog.Logger // Default: nothing is logged
}

// How connections are kept: as the clients of LDLM know it.
const (
	pingEvery        = time.Minute      // of a connection on which nothing comes
	pingPatience     = 10 * time.Second // for the answer
	clientPingsEvery = 10 * time.Second // at most; else it is cut off
	handshakeTimeout = 10 * time.Second
	maxHeader        = 16 << 10
)

// spareStreams are how many requests of a connection beyond the limit are taken in, to
// be refused; the client itself holds back what is more.
const spareStreams = 64

// Server is the LDLM door.
type Server struct {
	pb.UnimplementedLDLMServer
	gateway  *gateway.Gateway
	door     *gateway.Door
	config   Config
	password [sha256.Size]byte
	grpc     *grpc.Server
	health   *healthServer
	lately   memory
	tokens   tokens
	conns    conns
	leaving  sync.WaitGroup // leaves of connections that have ended
	patience time.Duration  // with the service, for what does not wait
}

// New makes the LDLM door.
func New(g *gateway.Gateway, door *gateway.Door, cfg Config) *Server {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{gateway: g, door: door, config: cfg, patience: answerTimeout, password: sha256.Sum256([]byte(cfg.Password))}
	limits := door.Limits()
	security := insecure.NewCredentials()
	if cfg.TLS != nil {
		security = credentials.NewTLS(cfg.TLS)
	}
	options := []grpc.ServerOption{
		grpc.Creds(followed{security}),
		grpc.ReadBufferSize(0), // see followedConn
		grpc.InTapHandle(arrive),
		grpc.StatsHandler(watcher{s}),
		grpc.UnaryInterceptor(s.admitUnary),
		grpc.StreamInterceptor(s.admitStream),
		grpc.MaxRecvMsgSize(limits.Size),
		grpc.MaxConcurrentStreams(uint32(min(limits.Requests, math.MaxInt32) + spareStreams)),
		grpc.MaxHeaderListSize(maxHeader),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingEvery, Timeout: pingPatience}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: clientPingsEvery, PermitWithoutStream: true}),
	}
	s.grpc = grpc.NewServer(options...)
	pb.RegisterLDLMServer(s.grpc, s)
	s.health = &healthServer{health.NewServer(), g}
	healthpb.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
	return s
}

// Serve answers calls on the connections of a listener, until Drain.
func (s *Server) Serve(l net.Listener) error {
	err := s.grpc.Serve(listener{l, s})
	if err == nil || errors.Is(err, grpc.ErrServerStopped) {
		return nil
	}
	return fmt.Errorf("ldlm: %w", err)
}

// Drain takes no more connections and calls, answers those that there are, and closes
// the connections; when ctx ends, whatever they are doing. What they hold is being
// released when it returns: nobody can come back to it.
func (s *Server) Drain(ctx context.Context) {
	s.health.Shutdown()
	stop := context.AfterFunc(ctx, func() {
		s.config.Logger.Warn("ldlm: not everything was answered in time")
		s.grpc.Stop()
	})
	defer stop()
	s.grpc.GracefulStop()
	s.leaving.Wait()
}

// healthServer answers the health checks of gRPC: it is well if the service is.
type healthServer struct {
	*health.Server
	gateway *gateway.Gateway
}

// Check asks the service. What is watched is only whether this gateway is being stopped.
func (h *healthServer) Check(ctx context.Context, r *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	response, err := h.Server.Check(ctx, r)
	if err == nil && h.gateway.Probe(ctx) != nil {
		response = &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_NOT_SERVING}
	}
	return response, err
}

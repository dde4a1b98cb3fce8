package ldlm

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/natslock/natslock/service/gateway"
)

// Why a call is not looked at.
var (
	errNoPassword    = status.Error(codes.Unauthenticated, "missing credentials")
	errWrongPassword = status.Error(codes.Unauthenticated, "invalid credentials")
	errCrowded       = status.Error(codes.ResourceExhausted, "too many connections")
	errRequests      = status.Error(codes.ResourceExhausted, "too many requests of this connection at the same time")
	errWaiters       = status.Error(codes.ResourceExhausted, "too many requests of this connection wait for a lock")
)

func (s *Server) admitUnary(ctx context.Context, r any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	end, err := s.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	defer end()
	return handle(ctx, r)
}

func (s *Server) admitStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	end, err := s.admit(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	defer end()
	ended := make(chan error, 1)
	go func() { ended <- handle(srv, stream) }()
	select {
	case err := <-ended:
		return err
	case <-s.gateway.Draining(): // which ends the stream, and with it the handler
		return failed(stream.Context(), gateway.ErrDraining)
	}
}

// admit lets a call in, until end. Who checks the health needs no password.
func (s *Server) admit(ctx context.Context, method string) (end func(), err error) {
	c := connOf(ctx)
	switch {
	case c == nil: // it has ended already
		return nil, errLost
	case c.limit.Beyond():
		return nil, errCrowded
	}
	if end = c.limit.Request(); end == nil {
		return nil, errRequests
	}
	if !strings.HasPrefix(method, "/"+healthpb.Health_ServiceDesc.ServiceName+"/") {
		err = s.authenticate(ctx)
	}
	if err != nil {
		end()
	}
	return end, err
}

// authenticate compares the password, in a time that tells nothing of it.
func (s *Server) authenticate(ctx context.Context) error {
	if s.config.Password == "" {
		return nil
	}
	given := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(given) == 0 {
		return errNoPassword
	}
	sum := sha256.Sum256([]byte(given[0]))
	if subtle.ConstantTimeCompare(sum[:], s.password[:]) != 1 {
		return errWrongPassword
	}
	return nil
}

// failed is the status of a call that the service has not answered.
func failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	if _, is := status.FromError(err); is {
		return err
	}
	return status.Error(codes.Unavailable, err.Error())
}

// open tells whether calls are taken.
func open(g *gateway.Gateway) error {
	if err := g.Open(); err != nil {
		return status.Error(codes.Unavailable, err.Error())
	}
	return nil
}

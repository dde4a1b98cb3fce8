package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/ldlm"
)

// ldlmFlags are the flags of serve for the clients of LDLM.
type ldlmFlags struct {
	LDLM                 listenAddr    `name:"ldlm" group:"doors" placeholder:"ADDR" help:"Where the gRPC service of LDLM is served, such as 127.0.0.1:3144. Default: nowhere."`
	LDLMRealm            string        `name:"ldlm-realm" group:"doors" default:"default" placeholder:"NAME" help:"Realm of its locks. Default: default."`
	LDLMPassword         string        `name:"ldlm-password" group:"doors" placeholder:"TEXT" help:"Password of its clients; better given as NATSLOCK_LDLM_PASSWORD, which other users of the machine do not see. Default: none."`
	LDLMREST             listenAddr    `name:"ldlm-rest" group:"doors" placeholder:"ADDR" help:"Where its REST is served, which has sessions by cookie. Default: nowhere."`
	LDLMRESTTimeout      time.Duration `name:"ldlm-rest-session-timeout" group:"doors" default:"10m" placeholder:"D" help:"After how long without a call a session of REST ends, and what it holds. Default: 10m."`
	LDLMRESTOrigin       []string      `name:"ldlm-rest-origin" group:"doors" placeholder:"ORIGIN" help:"Web sites whose pages may call its REST, such as https://example.com, separated by commas, or * for all. On loopback their names are served, too. Default: those of the host that is called."`
	LDLMKeepOnDisconnect bool          `name:"ldlm-keep-on-disconnect" group:"doors" help:"What a connection holds outlives it; locks without a timeout end after 24h."`
	LDLMTLSCert          string        `name:"ldlm-tls-cert" group:"doors" complete:"file" placeholder:"FILE" help:"Certificate for its TLS, PEM, with those that it needs after it."`
	LDLMTLSKey           string        `name:"ldlm-tls-key" group:"doors" complete:"file" placeholder:"FILE" help:"Key of the certificate, PEM."`
	LDLMClientCA         string        `name:"ldlm-client-ca" group:"doors" complete:"file" placeholder:"FILE" help:"Certificates, PEM, of which its clients must have one or one signed by it."`
	LDLMClientCertVerify bool          `name:"ldlm-client-cert-verify" group:"doors" help:"Its clients must have a certificate of those whom this machine trusts, or of --ldlm-client-ca."`
}

// check finds what makes no sense.
func (f *ldlmFlags) check() error {
	switch {
	case f.LDLMRealm == "" || len(f.LDLMRealm) > schema.MaxRealm || !utf8.ValidString(f.LDLMRealm):
		return usagef("serve: --ldlm-realm: must have 1 to %d bytes of UTF-8", schema.MaxRealm)
	case f.LDLMRESTTimeout < time.Second:
		return usagef("serve: --ldlm-rest-session-timeout: must be at least 1s")
	case (f.LDLMTLSCert == "") != (f.LDLMTLSKey == ""):
		return usagef("serve: --ldlm-tls-cert and --ldlm-tls-key: one needs the other")
	case f.verifies() && f.LDLMTLSCert == "":
		return usagef("serve: --ldlm-client-ca and --ldlm-client-cert-verify need --ldlm-tls-cert")
	}
	if _, err := gateway.NewOrigins(f.LDLMRESTOrigin); err != nil {
		return usagef("serve: --ldlm-rest-origin: %w", err)
	}
	return nil
}

// verifies tells whether clients must have a certificate.
func (f *ldlmFlags) verifies() bool { return f.LDLMClientCA != "" || f.LDLMClientCertVerify }

// tls reads the certificates. Nil is no TLS.
func (f *ldlmFlags) tls() (*tls.Config, error) {
	if f.LDLMTLSCert == "" {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(f.LDLMTLSCert, f.LDLMTLSKey)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	if f.verifies() {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if f.LDLMClientCA != "" {
		pem, err := os.ReadFile(f.LDLMClientCA)
		if err != nil {
			return nil, err
		}
		config.ClientCAs = x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: no certificate in it", f.LDLMClientCA)
		}
	}
	return config, nil
}

// ldlmDoor is the door for the clients of LDLM.
type ldlmDoor struct {
	listener     net.Listener // nil: not open
	restListener net.Listener // nil: not open
	server       *ldlm.Server
	rest         *ldlm.REST
}

// listen takes the addresses.
func (d *ldlmDoor) listen(ctx context.Context, f *ldlmFlags) (err error) {
	if f.LDLM != "" {
		if d.listener, err = gateway.Listen(ctx, string(f.LDLM)); err != nil {
			return fmt.Errorf("ldlm: %w", orElsewhere(err, byFlag("ldlm")))
		}
	}
	if f.LDLMREST != "" {
		if d.restListener, err = gateway.Listen(ctx, string(f.LDLMREST)); err != nil {
			return fmt.Errorf("ldlm: rest: %w", orElsewhere(err, byFlag("ldlm-rest")))
		}
	}
	return nil
}

// isOpen tells whether anything listens.
func (d *ldlmDoor) isOpen() bool { return d.listener != nil || d.restListener != nil }

// open connects what listens with the service.
func (d *ldlmDoor) open(g *gateway.Gateway, f *ldlmFlags, log *slog.Logger) error {
	if !d.isOpen() {
		return nil
	}
	security, err := f.tls()
	if err != nil {
		return fmt.Errorf("ldlm: %w", err)
	}
	counted, err := g.Door("ldlm")
	if err != nil {
		return err
	}
	d.server = ldlm.New(g, counted, ldlm.Config{
		Realm: f.LDLMRealm, Password: f.LDLMPassword, TLS: security, Keep: f.LDLMKeepOnDisconnect, Logger: log,
	})
	if d.listener != nil {
		log.Info("ldlm listens", "addr", d.listener.Addr().String(), "tls", security != nil)
	}
	if d.restListener == nil {
		return nil
	}
	connections, err := g.Door("ldlm-rest")
	if err != nil {
		return err
	}
	sessions, err := g.SessionDoor("ldlm-rest-sessions")
	if err != nil {
		return err
	}
	origins, err := gateway.NewOrigins(f.LDLMRESTOrigin)
	if err != nil {
		return err
	}
	d.rest = ldlm.NewREST(d.server, connections, sessions, ldlm.RESTConfig{Idle: f.LDLMRESTTimeout, TLS: security.Clone(), Origins: origins})
	log.Info("ldlm rest listens", "addr", d.restListener.Addr().String(), "tls", security != nil)
	return nil
}

// ways are what serves the door, until the drain.
func (d *ldlmDoor) ways() (serve []func() error) {
	if d.listener != nil {
		serve = append(serve, func() error { return d.server.Serve(d.listener) })
	}
	if d.restListener != nil {
		serve = append(serve, func() error { return d.rest.Serve(d.restListener) })
	}
	return serve
}

// drain closes the door.
func (d *ldlmDoor) drain(ctx context.Context) {
	var closing sync.WaitGroup
	if d.rest != nil {
		closing.Go(func() { d.rest.Drain(ctx) })
	}
	if d.server != nil {
		d.server.Drain(ctx)
	}
	closing.Wait()
}

// close gives the addresses back.
func (d *ldlmDoor) close() error { return closeListeners(d.listener, d.restListener) }

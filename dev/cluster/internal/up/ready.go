package up

// This file owns the waiting: what must be true before the cluster is handed out.

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const pollInterval = 25 * time.Millisecond

// probe asks the apiserver as admin, over a verified connection.
type probe struct {
	server string
	token  string
	client *http.Client
}

func newProbe(server string, s *secrets) (*probe, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.caPEM) {
		return nil, errors.New("the authority's certificate cannot be read")
	}
	return &probe{server: server, token: s.adminToken, client: &http.Client{
		Timeout: 5 * time.Second,
		// No proxy of the environment stands between this process and its own children.
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
	}}, nil
}

// get returns nil when path is answered with 200, and otherwise what came instead.
func (p *probe) get(ctx context.Context, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.server+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+p.token)
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", path, response.Status, strings.TrimSpace(string(body)))
	}
	return nil
}

// dialEtcd tells whether etcd listens. Its socket lies in the working directory.
func dialEtcd(ctx context.Context) error {
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "unix", strings.TrimPrefix(etcdSocket, "unix://"))
	if err != nil {
		return err
	}
	return connection.Close()
}

// until polls a condition until it holds. When ctx ends first, the error has the reason of that and the
// condition's last complaint.
func until(ctx context.Context, what string, condition func(context.Context) error) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		last := condition(ctx)
		if last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w (last seen: %v)", what, context.Cause(ctx), last)
		case <-ticker.C:
		}
	}
}

package main

// This file owns the conversation with the apiserver.

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

type server struct {
	address string
	token   string
	client  *http.Client
}

// connect reads how the cluster can be reached: the line that "cluster up" prints.
func connect(handout io.Reader) (*server, error) {
	var cluster struct{ Server, CA, Token string }
	if err := json.NewDecoder(handout).Decode(&cluster); err != nil {
		return nil, fmt.Errorf("standard input is not the line that \"cluster up\" prints: %w", err)
	}
	pem, err := os.ReadFile(cluster.CA)
	if err != nil {
		return nil, err
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate authority", cluster.CA)
	}
	// No proxy: the cluster is on this machine.
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities}}
	return &server{
		address: cluster.Server,
		token:   cluster.Token,
		client:  &http.Client{Transport: transport, Timeout: 30 * time.Second},
	}, nil
}

// documents returns the OpenAPI documents of all groups, once those that are required are among them.
func (s *server) documents(required []string, limit time.Duration) ([]document, error) {
	var index struct {
		Paths map[string]struct {
			ServerRelativeURL string `json:"serverRelativeURL"`
		}
	}
	for deadline := time.Now().Add(limit); ; time.Sleep(200 * time.Millisecond) {
		if err := s.get("/openapi/v3", &index); err != nil {
			return nil, err
		}
		missing := ""
		for _, path := range required {
			if _, there := index.Paths[path]; !there {
				missing = path
			}
		}
		if missing == "" {
			break
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("the apiserver has no document of %s after %s", missing, limit)
		}
	}
	var all []document
	for _, path := range index.Paths {
		var one document
		if err := s.get(path.ServerRelativeURL, &one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func (s *server) get(path string, into any) error {
	request, err := http.NewRequest(http.MethodGet, s.address+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	request.Header.Set("Accept", "application/json")
	answer, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, answer.Status)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

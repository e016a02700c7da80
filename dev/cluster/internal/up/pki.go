package up

// This file owns the cluster's secrets: certificates, the service account key and the users' tokens.

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// secrets are the files and tokens that the components and their clients show to each other.
type secrets struct {
	caFile             string
	caPEM              []byte
	serverCertFile     string
	serverKeyFile      string
	serviceAccountFile string
	tokenFile          string
	adminToken         string
	controllerToken    string
}

func makeSecrets(dir string) (*secrets, error) {
	s := &secrets{
		caFile:             filepath.Join(dir, "ca.crt"),
		serverCertFile:     filepath.Join(dir, "server.crt"),
		serverKeyFile:      filepath.Join(dir, "server.key"),
		serviceAccountFile: filepath.Join(dir, "service-account.key"),
		tokenFile:          filepath.Join(dir, "tokens.csv"),
		adminToken:         rand.Text(),
		controllerToken:    rand.Text(),
	}
	ca, server, serverKey, err := makeCertificates()
	if err != nil {
		return nil, fmt.Errorf("making certificates: %w", err)
	}
	s.caPEM = ca
	serviceAccountKey, _, err := makeKey()
	if err != nil {
		return nil, fmt.Errorf("making the service account key: %w", err)
	}
	// A row is token, user name, user id, groups.
	tokens := fmt.Sprintf("%s,admin,admin,system:masters\n%s,system:kube-controller-manager,kube-controller-manager,\n",
		s.adminToken, s.controllerToken)
	for path, content := range map[string][]byte{
		s.caFile:             ca,
		s.serverCertFile:     server,
		s.serverKeyFile:      serverKey,
		s.serviceAccountFile: serviceAccountKey,
		s.tokenFile:          []byte(tokens),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// makeCertificates returns a new authority's certificate and a server certificate under it, as PEM. The
// authority's key is dropped: nothing more is to be signed with it. Strict clients refuse a self-signed
// certificate that is its own authority, so there are two.
func makeCertificates() (ca, server, serverKey []byte, err error) {
	_, caKey, err := makeKey()
	if err != nil {
		return nil, nil, nil, err
	}
	now := time.Now()
	caTemplate := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "cluster-ca"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(1, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, caTemplate, caTemplate, caKey.Public(), caKey)
	if err != nil {
		return nil, nil, nil, err
	}
	serverKey, key, err := makeKey()
	if err != nil {
		return nil, nil, nil, err
	}
	serverTemplate := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "kube-apiserver"},
		NotBefore:    caTemplate.NotBefore,
		NotAfter:     caTemplate.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
			"kubernetes.default.svc.cluster.local"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(serviceIP)},
	}
	serverDER, err := x509.CreateCertificate(rand.Reader, serverTemplate, caTemplate, key.Public(), caKey)
	if err != nil {
		return nil, nil, nil, err
	}
	return encodeCertificate(caDER), encodeCertificate(serverDER), serverKey, nil
}

func makeKey() (encoded []byte, key *ecdsa.PrivateKey, err error) {
	key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), key, nil
}

func encodeCertificate(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

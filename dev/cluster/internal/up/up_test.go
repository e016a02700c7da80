package up

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestParseNeedsAFolder(t *testing.T) {
	if _, err := parse(nil); err == nil {
		t.Error("no --dir was accepted")
	}
	if _, err := parse([]string{"--dir", "x", "y"}); err == nil {
		t.Error("a stray argument was accepted")
	}
	o, err := parse([]string{"--dir", "x"})
	if err != nil || !filepath.IsAbs(o.dir) || !o.waitStdin || o.audit {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestRunsController(t *testing.T) {
	for list, want := range map[string]bool{
		"": false, "a,b": true, "ab": false, "*": true, "*,-a": false, "*,-ab": true,
	} {
		if got := (options{controllers: list}).runsController("a"); got != want {
			t.Errorf("%q: %v", list, got)
		}
	}
}

func TestFolderIsPrivateEmptyAndLocked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	lock, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v", info.Mode())
	}
	if _, err := openFolder(dir); err == nil || !strings.Contains(err.Error(), "another cluster") {
		t.Errorf("second use: %v", err)
	}
	left := filepath.Join(dir, "left.log")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	lock.Close()
	lock, err = openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("what an earlier cluster left is still there: %v", err)
	}
}

func TestFolderOfSomebodyElseIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openFolder(dir); err == nil {
		t.Error("it was taken over")
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

func TestReservedPortIsFreeForTheApiserverAlone(t *testing.T) {
	port, hold, err := reservePort()
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if listener, err := net.Listen("tcp", address); err == nil {
		listener.Close()
		t.Error("another process could take the port")
	}
	sharing := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, soReusePort, 1)
		})
	}}
	listener, err := sharing.Listen(context.Background(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	// Every connection has to reach the listener, none the reservation.
	for range 50 {
		connection, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		accepted.Close()
		connection.Close()
	}
}

func TestSecretsFitTogether(t *testing.T) {
	dir := t.TempDir()
	s, err := makeSecrets(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tls.LoadX509KeyPair(s.serverCertFile, s.serverKeyFile); err != nil {
		t.Error(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.caPEM)
	content, _ := os.ReadFile(s.serverCertFile)
	block, _ := pem.Decode(content)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"127.0.0.1", "localhost", "kubernetes.default.svc", serviceIP} {
		if _, err := certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if info, _ := entry.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v", entry.Name(), info.Mode())
		}
	}
}

func TestKubeconfigCarriesTheAuthority(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kubeconfig")
	ca := []byte("-----BEGIN CERTIFICATE-----")
	if err := writeKubeconfig(path, "https://127.0.0.1:1", ca, "admin", "secret"); err != nil {
		t.Fatal(err)
	}
	content, _ := os.ReadFile(path)
	for _, want := range []string{
		"server: https://127.0.0.1:1\n",
		"certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t\n",
		"token: secret\n",
	} {
		if !strings.Contains(string(content), want) {
			t.Errorf("no %q in\n%s", want, content)
		}
	}
	if strings.Contains(string(content), "insecure") {
		t.Error("the certificate would not be verified")
	}
}

func TestUntilSaysWhatItSawLast(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errAsked)
	err := until(ctx, "rain", func(context.Context) error { return errors.New("dry") })
	if !errors.Is(err, errAsked) || !strings.Contains(err.Error(), "rain") || !strings.Contains(err.Error(), "dry") {
		t.Errorf("%v", err)
	}
}

func TestChildThatFailsLeavesItsLastWords(t *testing.T) {
	ended := make(chan *child, 1)
	kids := children{onEnd: func(ch *child) { ended <- ch }}
	_, err := kids.start(t.TempDir(), "talker", []string{"sh", "-c", "seq 1 100; exit 7"})
	if err != nil {
		t.Fatal(err)
	}
	words := (<-ended).obituary().Error()
	for _, want := range []string{"talker ended: exit status 7", "\n81\n", "\n100"} {
		if !strings.Contains(words, want) {
			t.Errorf("no %q in %q", want, words)
		}
	}
	if strings.Contains(words, "\n80\n") {
		t.Errorf("more than the end: %q", words)
	}
}

func TestStopEndsTheFirstChildLast(t *testing.T) {
	order := make(chan string, 2)
	kids := children{onEnd: func(ch *child) { order <- ch.name }}
	dir := t.TempDir()
	for _, name := range []string{"first", "second"} {
		// The second is slow to end: without an order the first would be gone before it.
		script := "trap 'test $0 = first || sleep 0.3; exit 0' TERM; echo up; while :; do sleep 0.02; done"
		if _, err := kids.start(dir, name, []string{"sh", "-c", script, name}); err != nil {
			t.Fatal(err)
		}
		err := until(context.Background(), name, func(context.Context) error {
			if content, _ := os.ReadFile(filepath.Join(dir, name+".log")); bytes.Equal(content, []byte("up\n")) {
				return nil
			}
			return errors.New("not up")
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	kids.stop()
	if one, two := <-order, <-order; one != "second" || two != "first" {
		t.Errorf("%s ended before %s", one, two)
	}
}

func TestChildThatIsStartedAgainTakesItsPlaceAndGoesOnWithItsLog(t *testing.T) {
	dir := t.TempDir()
	c := &children{onEnd: func(*child) {}}
	first, err := c.start(dir, "x", []string{"sh", "-c", "echo said"})
	if err != nil {
		t.Fatal(err)
	}
	<-first.ended
	if err := c.again(first); err != nil {
		t.Fatal(err)
	}
	<-c.list[0].ended
	said, err := os.ReadFile(first.logPath)
	if len(c.list) != 1 || string(said) != "said\nsaid\n" {
		t.Errorf("%d children, %q, %v", len(c.list), said, err)
	}
}

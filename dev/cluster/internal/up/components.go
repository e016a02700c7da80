package up

// This file owns the flags that each component is started with, and the reason of each.

import (
	"fmt"
	"os"
	"path/filepath"
)

const (
	serviceRange = "10.0.0.0/24"
	serviceIP    = "10.0.0.1" // what the `kubernetes` Service gets: the first address of the range

	// etcd talks to the apiserver through a socket in the private folder: no port to clash, and nobody
	// else on the machine can reach it. The name is relative (everything runs in that folder), because a
	// socket's path may have 107 bytes at most. It ends like a port because etcd insists on one.
	etcdSocket = "unix://etcd.sock:1"
	peerSocket = "unix://etcd.sock:2"
)

func etcdArguments(dir string) []string {
	return []string{
		"--name=cluster",
		"--data-dir=" + filepath.Join(dir, "etcd"),
		"--listen-client-urls=" + etcdSocket,
		"--advertise-client-urls=" + etcdSocket,
		"--listen-peer-urls=" + peerSocket,
		"--initial-advertise-peer-urls=" + peerSocket,
		"--initial-cluster=cluster=" + peerSocket,
		// The data is thrown away with the cluster.
		"--unsafe-no-fsync",
		// Room for the benches' hundred thousands of objects; the default is 2 GiB.
		"--quota-backend-bytes=8589934592",
		"--log-level=warn",
	}
}

func apiserverArguments(port int, s *secrets) []string {
	return []string{
		"--etcd-servers=" + etcdSocket,
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", port),
		"--permit-port-sharing", // see reservePort
		"--tls-cert-file=" + s.serverCertFile,
		"--tls-private-key-file=" + s.serverKeyFile,
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + s.serviceAccountFile,
		"--service-account-signing-key-file=" + s.serviceAccountFile,
		"--token-auth-file=" + s.tokenFile,
		"--authorization-mode=RBAC",
		"--service-cluster-ip-range=" + serviceRange,
		// Endpoints cannot name a loopback address, and without nodes nobody resolves the Service: do not
		// look for another address of this machine, and do not try to publish one.
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none",
	}
}

func controllerManagerArguments(kubeconfig, controllers string, s *secrets) []string {
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--controllers=" + controllers,
		"--secure-port=0",
		"--leader-elect=false",
		"--root-ca-file=" + s.caFile,
		"--service-account-private-key-file=" + s.serviceAccountFile,
		// As in a real cluster each controller acts under its own name, with its own rights, and the
		// audit log tells the garbage collector from the namespace controller.
		"--use-service-account-credentials",
	}
}

// locate returns the command line that starts a component: its own binary in assets, or else this one.
func locate(assets, component string) ([]string, error) {
	if assets != "" {
		path := filepath.Join(assets, component)
		if _, err := os.Stat(path); err == nil {
			return []string{path}, nil
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return []string{self, component}, nil
}

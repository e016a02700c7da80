package up

// This file owns the order in which the components start, and what each of them waits for.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// cluster is one control plane, from its first file to its last process.
type cluster struct {
	options
	*secrets
	children
	handout
	ask  *probe
	port int
	hold *os.File // keeps the port as long as this process lives
}

// start returns when the cluster can be used.
func (c *cluster) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("not there after %s", c.timeout))
	defer cancel()
	for _, step := range []func(context.Context) error{
		c.prepare, c.startEtcd, c.startAPIServer, c.startControllerManager, c.awaitDefaults,
	} {
		if err := step(ctx); err != nil {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				for _, ch := range c.list {
					err = fmt.Errorf("%w\n%s", err, ch.lastWords())
				}
			}
			return err
		}
	}
	return nil
}

// prepare makes everything that is known before the first process runs.
func (c *cluster) prepare(context.Context) (err error) {
	if c.secrets, err = makeSecrets(c.dir); err != nil {
		return err
	}
	if c.port, c.hold, err = reservePort(); err != nil {
		return err
	}
	c.handout = handout{
		Kubeconfig: filepath.Join(c.dir, "kubeconfig"),
		Server:     fmt.Sprintf("https://127.0.0.1:%d", c.port),
		CA:         c.caFile,
		Token:      c.adminToken,
		Pids:       map[string]int{"up": os.Getpid()},
	}
	if c.ask, err = newProbe(c.Server, c.secrets); err != nil {
		return err
	}
	return writeKubeconfig(c.Kubeconfig, c.Server, c.caPEM, "admin", c.adminToken)
}

func (c *cluster) startEtcd(ctx context.Context) error {
	if err := c.launch("etcd", etcdArguments(c.dir)); err != nil {
		return err
	}
	// The apiserver would wait for etcd as well, but with a back-off of whole seconds.
	return until(ctx, "etcd", dialEtcd)
}

func (c *cluster) startAPIServer(ctx context.Context) error {
	arguments := apiserverArguments(c.port, c.secrets)
	if c.audit {
		c.AuditLog = filepath.Join(c.dir, "audit.log")
		more, err := auditArguments(c.dir, c.AuditLog)
		if err != nil {
			return err
		}
		arguments = append(arguments, more...)
	}
	if err := c.launch("kube-apiserver", arguments); err != nil {
		return err
	}
	return c.await(ctx, "kube-apiserver", "/readyz?verbose")
}

func (c *cluster) startControllerManager(context.Context) error {
	if c.controllers == "" {
		return nil
	}
	kubeconfig := filepath.Join(c.dir, "controller-manager.kubeconfig")
	err := writeKubeconfig(kubeconfig, c.Server, c.caPEM, "controller-manager", c.controllerToken)
	if err != nil {
		return err
	}
	return c.launch("kube-controller-manager", controllerManagerArguments(kubeconfig, c.controllers, c.secrets))
}

// awaitDefaults waits for the objects that every cluster has.
func (c *cluster) awaitDefaults(ctx context.Context) error {
	const namespace = "/api/v1/namespaces/default"
	if err := c.await(ctx, "the default namespace", namespace); err != nil {
		return err
	}
	if !c.runsController("serviceaccount-controller") {
		return nil
	}
	// A controller makes this one, so it also shows that the controllers work.
	return c.await(ctx, "the default service account", namespace+"/serviceaccounts/default")
}

func (c *cluster) launch(component string, arguments []string) error {
	commandLine, err := locate(c.assets, component)
	if err != nil {
		return err
	}
	ch, err := c.children.start(c.dir, component, append(commandLine, arguments...))
	if err != nil {
		return err
	}
	c.Pids[component] = ch.process.Pid
	return nil
}

func (c *cluster) await(ctx context.Context, what, path string) error {
	return until(ctx, what, func(ctx context.Context) error { return c.ask.get(ctx, path) })
}

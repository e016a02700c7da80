// Command consumer keeps a table of one Directory's people and their groups in step with the cluster, as an
// application would. `consumer DIRECTORY FILE`; README.md beside this file says more.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/clientcmd"
)

// gather is how long the table waits after a change for others that come with it: a sync may change many mirrors.
// Those that come later do not put it off.
const gather = 200 * time.Millisecond

func main() {
	// A pod is ended by SIGTERM.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		slog.Error("the consumer ended", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	if len(arguments) != 2 {
		return errors.New("usage: consumer DIRECTORY FILE")
	}
	directory, file := arguments[0], arguments[1]

	// Those of the kubeconfig; in a pod, which has none, its ServiceAccount and namespace.
	config := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil)
	rest, err := config.ClientConfig()
	if err != nil {
		return fmt.Errorf("there is no cluster to watch: %w", err)
	}
	namespace, _, err := config.Namespace()
	if err != nil {
		return fmt.Errorf("there is no namespace to watch: %w", err)
	}
	client, err := dynamic.NewForConfig(rest)
	if err != nil {
		return err
	}

	// No resync: it would only repeat what is known.
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, namespace,
		func(options *metav1.ListOptions) { options.LabelSelector = "directory-sync.io/directory=" + directory })
	// Room for one: many changes are one reason to write.
	changes := make(chan struct{}, 1)
	changed := func() {
		select {
		case changes <- struct{}{}:
		default:
		}
	}
	users, err := mirrorsOf[User](factory, "directoryusers", changed)
	if err != nil {
		return err
	}
	groups, err := mirrorsOf[Group](factory, "directorygroups", changed)
	if err != nil {
		return err
	}

	factory.Start(ctx.Done())
	defer factory.Shutdown()
	// Nothing is written before both lists are complete: half a list is not a smaller company.
	factory.WaitForCacheSync(ctx.Done())
	for ctx.Err() == nil {
		people := specs[User](users)
		if err := write(file, rows(people, specs[Group](groups))); err != nil {
			return fmt.Errorf("the table could not be written: %w", err)
		}
		slog.Info("the table is up to date", "people", len(people))
		select {
		case <-changes:
		case <-ctx.Done():
		}
		// What changes from now on is another reason, so no change is ever missed.
		select {
		case <-time.After(gather):
		case <-ctx.Done():
		}
	}
	return nil
}

// Command consumer keeps a table of one Directory's people and their groups in step with the cluster, as an
// application would. `consumer DIRECTORY FILE`, or `configmap/NAME` for DIRECTORY; README.md beside this file says
// more.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

// gather is how long the table waits after a change for others that come with it: a sync may change many mirrors.
// Those that come later do not put it off.
const gather = 200 * time.Millisecond

// retry is how long it takes until another attempt.
const retry = time.Second

// source is where people and groups come from.
type source interface {
	// start reads everything once; then changes are told.
	start(ctx context.Context)
	// read answers people and groups by name as they are now.
	read(ctx context.Context) (map[string]User, map[string]Group, error)
	// stop waits for the end of what start began, when its context has ended.
	stop()
}

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
		return errors.New("usage: consumer DIRECTORY|configmap/NAME FILE")
	}
	from, file := arguments[0], arguments[1]

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

	// Room for one: many changes are one reason to write.
	changes := make(chan struct{}, 1)
	changed := func() {
		select {
		case changes <- struct{}{}:
		default:
		}
	}
	var followed source
	if configMap, ok := strings.CutPrefix(from, "configmap/"); ok {
		followed, err = newFiles(client, namespace, configMap, changed)
	} else {
		followed, err = newMirrors(client, namespace, from, changed)
	}
	if err != nil {
		return err
	}

	followed.start(ctx)
	defer followed.stop()
	for ctx.Err() == nil {
		pause := gather
		if people, groups, err := followed.read(ctx); err == nil {
			if err := write(file, rows(people, groups)); err != nil {
				return fmt.Errorf("the table could not be written: %w", err)
			}
			slog.Info("the table is up to date", "people", len(people))
			select {
			case <-changes:
			case <-ctx.Done():
			}
		} else {
			slog.Warn("people and groups are read again", "error", err)
			pause = retry
		}
		// What changes from now on is another reason, so no change is ever missed.
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	return nil
}

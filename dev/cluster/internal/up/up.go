// Package up runs a Kubernetes control plane as child processes and takes it down again.
//
// This file owns its life as seen from outside: what starts it, what is handed out, what ends it.
package up

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// handout is the one line on standard output by which the caller knows its cluster.
type handout struct {
	Kubeconfig string         `json:"kubeconfig"`
	Server     string         `json:"server"`
	CA         string         `json:"ca"` // the path of a PEM file
	Token      string         `json:"token"`
	AuditLog   string         `json:"auditLog,omitempty"`
	Pids       map[string]int `json:"pids"`
}

// errAsked is the cause of a stop that somebody wanted.
var errAsked = errors.New("asked to stop, by a signal or by the end of standard input (--wait-stdin=false ignores it)")

// Main runs "cluster up" and returns its exit code.
func Main(args []string) int {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "cluster up: %v\n", err)
		return 2
	}
	// The children are told to die with the thread that starts them. This goroutine, which lives as long as
	// the process does, keeps one thread alive for them.
	runtime.LockOSThread()
	if err := run(o); err != nil {
		fmt.Fprintf(os.Stderr, "cluster up: %v\n", err)
		return 1
	}
	return 0
}

func run(o options) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	stopOnRequest(o, cancel)

	lock, err := openFolder(o.dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if o.remove {
		defer os.RemoveAll(o.dir)
	}
	if err := os.Chdir(o.dir); err != nil {
		return err
	}

	c := &cluster{options: o}
	var ready atomic.Bool
	ended := make(chan *child)
	// Only the first cause counts, so what ends because it was stopped says nothing.
	c.children.onEnd = func(ch *child) {
		if !o.restart || !ready.Load() {
			cancel(ch.obituary())
			return
		}
		select {
		case ended <- ch:
		case <-ctx.Done():
		}
	}
	defer c.stop()
	if err := c.start(ctx); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(c.handout); err != nil {
		return err
	}
	ready.Store(true)
	for {
		select {
		case ch := <-ended:
			fmt.Fprintf(os.Stderr, "cluster up: %s ended: %s; starting it again\n", ch.name, ch.state)
			// One that cannot work without another that is gone ends at once, and again.
			time.Sleep(time.Second)
			if err := c.children.again(ch); err != nil {
				return err
			}
		case <-ctx.Done():
			if err := context.Cause(ctx); !errors.Is(err, errAsked) {
				return err
			}
			return nil
		}
	}
}

// stopOnRequest cancels when a signal says so, or when standard input ends, which it does when whoever
// started us is gone, however that came about.
func stopOnRequest(o options, cancel context.CancelCauseFunc) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		cancel(errAsked)
	}()
	if o.waitStdin {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			cancel(errAsked)
		}()
	}
}

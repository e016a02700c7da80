package up

// This file owns the command line of "cluster up".

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The controllers that a control plane without nodes has work for. Garbage collection and namespace
// deletion are what an operator meets in every real cluster; the other two make service accounts usable.
const defaultControllers = "garbage-collector-controller,namespace-controller," +
	"serviceaccount-controller,root-ca-certificate-publisher-controller"

type options struct {
	dir         string
	audit       bool
	controllers string
	assets      string
	waitStdin   bool
	remove      bool
	restart     bool
	timeout     time.Duration
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("cluster up", flag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", "", "private `folder` for keys, logs and data; made if missing (required)")
	flags.BoolVar(&o.audit, "audit", false, "write an audit log to audit.log in the folder")
	flags.StringVar(&o.controllers, "controllers", defaultControllers,
		"controllers of kube-controller-manager, comma-separated; \"*\" is all that are on by default, empty starts none")
	flags.StringVar(&o.assets, "assets", "",
		"`folder` with binaries named as the components are; a component that is missing there is run from this binary")
	flags.BoolVar(&o.remove, "remove", false, "remove the folder at the end")
	flags.BoolVar(&o.restart, "restart", false,
		"start a component again that ends once the cluster is ready, as a kubelet does, instead of ending too")
	flags.BoolVar(&o.waitStdin, "wait-stdin", true, "stop when standard input ends")
	flags.DurationVar(&o.timeout, "timeout", 2*time.Minute, "give up when the cluster is not ready after this time")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.dir == "" {
		return o, errors.New("--dir is missing")
	}
	// The components run with this folder as their working directory, so that paths must not depend on ours.
	var err error
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return o, err
	}
	if o.assets != "" {
		o.assets, err = filepath.Abs(o.assets)
	}
	return o, err
}

// runsController reads the list of controllers as kube-controller-manager does.
func (o options) runsController(name string) bool {
	list := strings.Split(o.controllers, ",")
	if slices.Contains(list, "-"+name) {
		return false
	}
	return slices.Contains(list, name) || slices.Contains(list, "*")
}

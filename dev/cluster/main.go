// Command cluster is a Kubernetes control plane in one binary, for tests and demos on one machine.
//
// Its first argument picks what it is: a component (etcd, kube-apiserver, ...), which then behaves as
// the binary of that name does, or "up", which runs a whole control plane out of copies of itself.
package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"directory-sync.io/dev/cluster/internal/up"
)

func main() {
	if len(os.Args) > 1 {
		name := os.Args[1]
		if name == "up" {
			os.Exit(up.Main(os.Args[2:]))
		}
		if run, ok := components[name]; ok {
			// Each component reads os.Args itself and takes its own name from there.
			os.Args = os.Args[1:]
			os.Exit(run())
		}
	}
	names := append(slices.Sorted(maps.Keys(components)), "up")
	fmt.Fprintf(os.Stderr, "usage: %s COMMAND [ARGUMENTS], where COMMAND is one of: %s\n",
		filepath.Base(os.Args[0]), strings.Join(names, ", "))
	os.Exit(2)
}

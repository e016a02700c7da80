// Command schemas writes what an apiserver knows of its kinds as JSON schemas for kubeconform, so that manifests
// can be validated against the very version that the tests run, with no download.
//
//	schemas --out FOLDER [--require apis/example.com/v1]...
//
// Standard input is the line that "cluster up" prints.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"time"
)

// How long a definition that was just installed may take to show in the apiserver's document.
const publishingTime = 60 * time.Second

type list []string

func (l *list) String() string     { return fmt.Sprint(*l) }
func (l *list) Set(v string) error { *l = append(*l, v); return nil }

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "schemas: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	var required list
	out := flag.String("out", "", "the folder to write to")
	flag.Var(&required, "require", "a `path` below /openapi/v3/ to wait for, as apis/example.com/v1")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 {
		return errors.New("usage: schemas --out FOLDER [--require PATH]...")
	}

	server, err := connect(os.Stdin)
	if err != nil {
		return err
	}
	documents, err := server.documents(required, publishingTime)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	for _, document := range documents {
		if err := write(document, *out); err != nil {
			return err
		}
	}
	return nil
}

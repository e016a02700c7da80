package up

// This file owns the audit log: what is written to it, and that a line is there when its request is over.

import (
	_ "embed"
	"os"
	"path/filepath"
)

//go:embed audit-policy.yaml
var auditPolicy []byte

// auditArguments writes the policy into dir and returns the apiserver's flags for a log at path.
func auditArguments(dir, path string) ([]string, error) {
	policy := filepath.Join(dir, "audit-policy.yaml")
	if err := os.WriteFile(policy, auditPolicy, 0o600); err != nil {
		return nil, err
	}
	// The apiserver makes the log with the first event, but readers want a file from the start.
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return nil, err
	}
	return []string{
		"--audit-policy-file=" + policy,
		"--audit-log-path=" + path,
		// Tests ask what has been done so far: no line may wait in a batch.
		"--audit-log-mode=blocking",
		// Readers remember offsets, so the file is never rotated in practice.
		"--audit-log-maxsize=100000",
	}, nil
}

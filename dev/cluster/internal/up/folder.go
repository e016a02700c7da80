package up

// This file owns the cluster's folder: that it is private, ours, and used by one cluster at a time.

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// The lock file is also the mark by which a later run knows the folder as one of its own.
const lockName = "cluster.lock"

// openFolder makes or takes over dir and clears what an earlier cluster left there. The caller keeps the
// returned file open for as long as it uses the folder.
func openFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	lockPath := filepath.Join(dir, lockName)
	if _, err := os.Stat(lockPath); err != nil && len(entries) > 0 {
		// Everything in the folder is about to be removed: never do that to a folder of somebody else's.
		return nil, fmt.Errorf("%s is neither empty nor the folder of an earlier cluster", dir)
	}
	lock, err := os.OpenFile(lockPath, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("another cluster is running in %s", dir)
	}
	for _, entry := range entries {
		if entry.Name() == lockName {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			lock.Close()
			return nil, err
		}
	}
	// A folder that was there before may be open to others; keys and tokens are going to lie in it.
	if err := os.Chmod(dir, 0o700); err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

package up

// This file owns how a port is chosen so that nobody else can take it before the apiserver does.

import (
	"fmt"
	"os"
	"syscall"
)

// Linux's number for it; package syscall has it on few architectures.
const soReusePort = 0xf

// reservePort binds a free port of 127.0.0.1 and keeps it bound, without listening. The apiserver binds the
// same port beside it, with SO_REUSEPORT (--permit-port-sharing), and gets all connections, because a socket
// that does not listen gets none. Until the returned file is closed the kernel gives the port to no one else.
func reservePort() (port int, hold *os.File, err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, fmt.Errorf("reserving a port: %w", err)
	}
	hold = os.NewFile(uintptr(fd), "port reservation")
	defer func() {
		if err != nil {
			hold.Close()
			hold, err = nil, fmt.Errorf("reserving a port: %w", err)
		}
	}()
	if err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, soReusePort, 1); err != nil {
		return
	}
	if err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return
	}
	address, err := syscall.Getsockname(fd)
	if err != nil {
		return
	}
	return address.(*syscall.SockaddrInet4).Port, hold, nil
}

package ovsdbclient

import "golang.org/x/sys/unix"

// isTerminal tells whether a descriptor is a terminal.
func isTerminal(fd uintptr) bool {
	_, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
	return err == nil
}

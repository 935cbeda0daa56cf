package dpdk

import (
	"errors"
	"syscall"
)

func isNotSup(err error) bool {
	return errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.EOPNOTSUPP)
}

func isBusy(err error) bool { return errors.Is(err, syscall.EBUSY) }

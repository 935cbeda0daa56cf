package strerror

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
)

// Text returns glibc's text for the system error inside err, or err.Error()
// when there is none. A nil err is "Success"; io.EOF is "End of file" and a
// deadline that passed is "Connection timed out", as in Open vSwitch.
func Text(err error) string {
	if err == nil {
		return "Success"
	}
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return Errno(errno)
	case errors.Is(err, io.EOF):
		return "End of file"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return Errno(syscall.ETIMEDOUT)
	}
	return err.Error()
}

// Errno returns glibc's text for one error number.
func Errno(e syscall.Errno) string {
	if s, ok := texts[e]; ok {
		return s
	}
	return e.Error()
}

// texts holds the glibc texts; it is never written.
var texts = map[syscall.Errno]string{
	syscall.EPERM:           "Operation not permitted",
	syscall.ENOENT:          "No such file or directory",
	syscall.ESRCH:           "No such process",
	syscall.EINTR:           "Interrupted system call",
	syscall.EIO:             "Input/output error",
	syscall.ENXIO:           "No such device or address",
	syscall.E2BIG:           "Argument list too long",
	syscall.ENOEXEC:         "Exec format error",
	syscall.EBADF:           "Bad file descriptor",
	syscall.ECHILD:          "No child processes",
	syscall.EAGAIN:          "Resource temporarily unavailable",
	syscall.ENOMEM:          "Cannot allocate memory",
	syscall.EACCES:          "Permission denied",
	syscall.EFAULT:          "Bad address",
	syscall.ENOTBLK:         "Block device required",
	syscall.EBUSY:           "Device or resource busy",
	syscall.EEXIST:          "File exists",
	syscall.EXDEV:           "Invalid cross-device link",
	syscall.ENODEV:          "No such device",
	syscall.ENOTDIR:         "Not a directory",
	syscall.EISDIR:          "Is a directory",
	syscall.EINVAL:          "Invalid argument",
	syscall.ENFILE:          "Too many open files in system",
	syscall.EMFILE:          "Too many open files",
	syscall.ENOTTY:          "Inappropriate ioctl for device",
	syscall.ETXTBSY:         "Text file busy",
	syscall.EFBIG:           "File too large",
	syscall.ENOSPC:          "No space left on device",
	syscall.ESPIPE:          "Illegal seek",
	syscall.EROFS:           "Read-only file system",
	syscall.EMLINK:          "Too many links",
	syscall.EPIPE:           "Broken pipe",
	syscall.EDOM:            "Numerical argument out of domain",
	syscall.ERANGE:          "Numerical result out of range",
	syscall.EDEADLOCK:       "Resource deadlock avoided",
	syscall.ENAMETOOLONG:    "File name too long",
	syscall.ENOLCK:          "No locks available",
	syscall.ENOSYS:          "Function not implemented",
	syscall.ENOTEMPTY:       "Directory not empty",
	syscall.ELOOP:           "Too many levels of symbolic links",
	syscall.ENOMSG:          "No message of desired type",
	syscall.EIDRM:           "Identifier removed",
	syscall.ECHRNG:          "Channel number out of range",
	syscall.EL2NSYNC:        "Level 2 not synchronized",
	syscall.EL3HLT:          "Level 3 halted",
	syscall.EL3RST:          "Level 3 reset",
	syscall.ELNRNG:          "Link number out of range",
	syscall.EUNATCH:         "Protocol driver not attached",
	syscall.ENOCSI:          "No CSI structure available",
	syscall.EL2HLT:          "Level 2 halted",
	syscall.EBADE:           "Invalid exchange",
	syscall.EBADR:           "Invalid request descriptor",
	syscall.EXFULL:          "Exchange full",
	syscall.ENOANO:          "No anode",
	syscall.EBADRQC:         "Invalid request code",
	syscall.EBADSLT:         "Invalid slot",
	syscall.EBFONT:          "Bad font file format",
	syscall.ENOSTR:          "Device not a stream",
	syscall.ENODATA:         "No data available",
	syscall.ETIME:           "Timer expired",
	syscall.ENOSR:           "Out of streams resources",
	syscall.ENONET:          "Machine is not on the network",
	syscall.ENOPKG:          "Package not installed",
	syscall.EREMOTE:         "Object is remote",
	syscall.ENOLINK:         "Link has been severed",
	syscall.EADV:            "Advertise error",
	syscall.ESRMNT:          "Srmount error",
	syscall.ECOMM:           "Communication error on send",
	syscall.EPROTO:          "Protocol error",
	syscall.EMULTIHOP:       "Multihop attempted",
	syscall.EDOTDOT:         "RFS specific error",
	syscall.EBADMSG:         "Bad message",
	syscall.EOVERFLOW:       "Value too large for defined data type",
	syscall.ENOTUNIQ:        "Name not unique on network",
	syscall.EBADFD:          "File descriptor in bad state",
	syscall.EREMCHG:         "Remote address changed",
	syscall.ELIBACC:         "Can not access a needed shared library",
	syscall.ELIBBAD:         "Accessing a corrupted shared library",
	syscall.ELIBSCN:         ".lib section in a.out corrupted",
	syscall.ELIBMAX:         "Attempting to link in too many shared libraries",
	syscall.ELIBEXEC:        "Cannot exec a shared library directly",
	syscall.EILSEQ:          "Invalid or incomplete multibyte or wide character",
	syscall.ERESTART:        "Interrupted system call should be restarted",
	syscall.ESTRPIPE:        "Streams pipe error",
	syscall.EUSERS:          "Too many users",
	syscall.ENOTSOCK:        "Socket operation on non-socket",
	syscall.EDESTADDRREQ:    "Destination address required",
	syscall.EMSGSIZE:        "Message too long",
	syscall.EPROTOTYPE:      "Protocol wrong type for socket",
	syscall.ENOPROTOOPT:     "Protocol not available",
	syscall.EPROTONOSUPPORT: "Protocol not supported",
	syscall.ESOCKTNOSUPPORT: "Socket type not supported",
	syscall.ENOTSUP:         "Operation not supported",
	syscall.EPFNOSUPPORT:    "Protocol family not supported",
	syscall.EAFNOSUPPORT:    "Address family not supported by protocol",
	syscall.EADDRINUSE:      "Address already in use",
	syscall.EADDRNOTAVAIL:   "Cannot assign requested address",
	syscall.ENETDOWN:        "Network is down",
	syscall.ENETUNREACH:     "Network is unreachable",
	syscall.ENETRESET:       "Network dropped connection on reset",
	syscall.ECONNABORTED:    "Software caused connection abort",
	syscall.ECONNRESET:      "Connection reset by peer",
	syscall.ENOBUFS:         "No buffer space available",
	syscall.EISCONN:         "Transport endpoint is already connected",
	syscall.ENOTCONN:        "Transport endpoint is not connected",
	syscall.ESHUTDOWN:       "Cannot send after transport endpoint shutdown",
	syscall.ETOOMANYREFS:    "Too many references: cannot splice",
	syscall.ETIMEDOUT:       "Connection timed out",
	syscall.ECONNREFUSED:    "Connection refused",
	syscall.EHOSTDOWN:       "Host is down",
	syscall.EHOSTUNREACH:    "No route to host",
	syscall.EALREADY:        "Operation already in progress",
	syscall.EINPROGRESS:     "Operation now in progress",
	syscall.ESTALE:          "Stale file handle",
	syscall.EUCLEAN:         "Structure needs cleaning",
	syscall.ENOTNAM:         "Not a XENIX named type file",
	syscall.ENAVAIL:         "No XENIX semaphores available",
	syscall.EISNAM:          "Is a named type file",
	syscall.EREMOTEIO:       "Remote I/O error",
	syscall.EDQUOT:          "Disk quota exceeded",
	syscall.ENOMEDIUM:       "No medium found",
	syscall.EMEDIUMTYPE:     "Wrong medium type",
	syscall.ECANCELED:       "Operation canceled",
	syscall.ENOKEY:          "Required key not available",
	syscall.EKEYEXPIRED:     "Key has expired",
	syscall.EKEYREVOKED:     "Key has been revoked",
	syscall.EKEYREJECTED:    "Key was rejected by service",
	syscall.EOWNERDEAD:      "Owner died",
	syscall.ENOTRECOVERABLE: "State not recoverable",
	syscall.ERFKILL:         "Operation not possible due to RF-kill",
}

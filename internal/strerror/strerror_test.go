package strerror

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
)

func TestText(t *testing.T) {
	_, err := os.Open("/nonexistent/file")
	for _, tc := range []struct {
		err  error
		want string
	}{
		{nil, "Success"},
		{err, "No such file or directory"},
		{fmt.Errorf("x: %w", syscall.ECONNREFUSED), "Connection refused"},
		{io.EOF, "End of file"},
		{os.ErrDeadlineExceeded, "Connection timed out"},
		{fmt.Errorf("other"), "other"},
	} {
		if got := Text(tc.err); got != tc.want {
			t.Errorf("Text(%v) = %q, want %q", tc.err, got, tc.want)
		}
	}
}

package traffic

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed traffic.c
var source []byte

// Library compiles the library to dir, unless it is there already, and returns its path.
func Library(dir string) (string, error) {
	lib := filepath.Join(dir, "traffic.so")
	if _, err := os.Stat(lib); err == nil {
		return lib, nil
	}
	src := filepath.Join(dir, "traffic.c")
	if err := os.WriteFile(src, source, 0o644); err != nil {
		return "", err
	}
	flags, err := exec.Command("pkg-config", "--cflags", "libdpdk").Output()
	if err != nil {
		return "", fmt.Errorf("pkg-config --cflags libdpdk: %w", err)
	}
	args := append(strings.Fields(string(flags)), "-O3", "-shared", "-fPIC", "-o", lib, src,
		"-lrte_ethdev", "-lrte_mbuf", "-lrte_mempool", "-lrte_eal", "-ldl")
	if text, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("gcc traffic.c: %w\n%s", err, text)
	}
	return lib, nil
}

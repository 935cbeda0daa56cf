// Command ovsdb-server serves Open vSwitch databases (ovsdb-server(1)).
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"govs/ovsdb/server"
)

func main() {
	srv := server.New(server.Options{RunDir: os.Getenv("OVS_RUNDIR")})
	for _, a := range os.Args[1:] {
		var err error
		if r, ok := strings.CutPrefix(a, "--remote="); ok {
			err = srv.AddRemote(r)
		} else {
			err = srv.AddDB(a)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "ovsdb-server: %s\n", err)
			os.Exit(1)
		}
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	srv.Run(ctx)
}

package main

import (
	"fmt"
	"os"

	"govs/ovsdb"
	"govs/ovsdb/vswitch/gen/rows"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gen SCHEMA > rows_gen.go")
		os.Exit(1)
	}
	schema, err := ovsdb.ReadSchemaFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
	src, err := rows.Generate("vswitch", schema)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
	os.Stdout.Write(src)
}

// Command gen writes the typed rows of a database schema as Go source.
//
//	gen SCHEMA > rows_gen.go
package main

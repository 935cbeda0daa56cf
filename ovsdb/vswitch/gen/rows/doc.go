// Package rows generates the Go source of a schema's typed rows. It is used by go generate and by the test that compares
// what is committed with what the schema gives.
package rows

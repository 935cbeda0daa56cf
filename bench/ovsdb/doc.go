// Command ovsdb compares the speed and memory of our ovsdb-server with the original's, in one run on the same
// machine: go run ./bench/ovsdb. It prints a table of both figures and their ratio; a ratio above 1 means that ours
// is better. With -check it exits with status 1 when a ratio is below its goal.
package main

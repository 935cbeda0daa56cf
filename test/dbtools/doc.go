// Package dbtools compares the database tools with the original's: the same command lines run by both on databases that began
// alike, on the original ovsdb-server and on ours, must print the same but for UUIDs and times.
//
// testdata/*.txt are lists of command lines, without the program's name. Each runs on what those before it left behind.
package dbtools

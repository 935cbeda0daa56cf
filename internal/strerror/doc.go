// Package strerror turns errors into the text that the C library's strerror(3)
// gives, which is what Open vSwitch's messages contain and scripts parse.
//
// It is stateless; any goroutine may call it.
package strerror

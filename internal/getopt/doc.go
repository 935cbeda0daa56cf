// Package getopt parses command lines as getopt_long(3) does, over the flags of
// a pflag.FlagSet: long options may be abbreviated to a unique prefix, options
// and other arguments may be mixed, "--" ends options, and errors have the C
// library's words.
//
// A flag whose type is "bool" or "count" takes no argument; one with
// NoOptDefVal set takes an optional one, attached by "=" or directly to the
// short letter; any other needs one. The package is stateless; a FlagSet is
// used from one goroutine.
package getopt

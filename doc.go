// Package govs is the root of the module and holds no code: only the tests about the tree itself (which
// folder may import which, where C and unsafe may appear, that each package says what it is). The table of
// folders is in docs/architecture.md; layering_test.go is the copy that a machine checks.
package govs

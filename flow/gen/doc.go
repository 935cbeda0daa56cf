// Command gen writes the field identifiers, the field table and the accessors of package flow from the specs in table.go.
// It is run by go generate in the folder of package flow.
//
// A field is added by one line in table.go. What else enumerates fields — the texts in package flow, Extract, Compose, the
// headers that package actions sets — is checked by tests that walk the generated table.
package main

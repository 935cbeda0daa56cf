// Package netdevtest gives tests network namespaces of their own and veth pairs between them.
package netdevtest

package flow_test

import (
	"encoding/hex"
	"strings"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// samplePackets returns one whole packet of each kind that Extract knows.
func samplePackets() [][]byte {
	eth := "505400000007 505400000005 "
	ip4 := func(proto, frag, l4 string) string {
		n := len(unhex(l4)) + 20
		return "0800 4500" + hex.EncodeToString([]byte{byte(n >> 8), byte(n)}) + "0001" + frag + "40" + proto + "0000 c0a80001 c0a80002" + l4
	}
	ip4opt := func(proto, l4 string) string {
		n := len(unhex(l4)) + 24
		return "0800 4612" + hex.EncodeToString([]byte{byte(n >> 8), byte(n)}) + "0001 0000 40" + proto + "0000 c0a80001 c0a80002 01010100" + l4
	}
	ip6 := func(next, pay string) string {
		n := len(unhex(pay))
		return "86dd 6a112345" + hex.EncodeToString([]byte{byte(n >> 8), byte(n)}) + next + "40 fe800000000000000000000000000001 fe800000000000000000000000000002" + pay
	}
	tcp := "1f90 0050 00000001 00000002 5012 2000 0000 0000"
	tcpOpt := "1f90 0050 00000001 00000002 7f12 2000 0000 0000 01010101 01010101 aabb"
	udp := "0035 1389 000c 0000 01020304"
	sctp := "0bb8 1388 00000001 00000000 01020304"
	icmp := "0800 0000 0001 0002 aabb"
	icmp6 := "8000 0000 0001 0002 aabb"
	igmp := "1600 0000 e0000102"
	ns := "8700 0000 00000000 fe800000000000000000000000000003 0101 001122334455"
	na := "8800 0000 60000000 fe800000000000000000000000000003 0201 001122334455"
	na2 := "8800 0000 60000000 fe800000000000000000000000000003 0501 000000001500 0101 001122334456 0201 001122334455"
	nsTwice := "8700 0000 00000001 fe800000000000000000000000000003 0101 001122334455 0101 001122334455"
	arp := "0001 0800 06 04 0001 505400000005 c0a80001 000000000000 c0a80002"
	vlan := "8100 a00a "
	var out [][]byte
	for _, s := range []string{
		ip4("06", "0000", tcp), ip4("06", "4000", tcpOpt), ip4("11", "0000", udp), ip4("84", "0000", sctp), ip4("01", "0000", icmp), ip4("02", "0000", igmp),
		ip4("11", "2000", udp), ip4("11", "2001", udp), ip4("06", "0003", tcp), ip4("2f", "0000", tcp), ip4("3a", "0000", icmp6), ip4("11", "8000", udp),
		ip4opt("06", tcp), ip4opt("11", udp), ip4("06", "0000", tcp) + "000000000000", ip4("11", "0000", udp) + "0000",
		ip6("06", tcp), ip6("11", udp), ip6("84", sctp), ip6("3a", icmp6), ip6("3a", ns), ip6("3a", na), ip6("3a", na2), ip6("3a", nsTwice), ip6("01", icmp),
		ip6("3b", ""), ip6("00", "0600 010400000000"+tcp), ip6("2b", "1100 000000000000"+udp), ip6("33", "3a04 0000 00000001 00000002 aabbccdd aabbccdd aabbccdd"+icmp6),
		ip6("3c", "3a01 010c 000000000000000000000000"+ns), ip6("2c", "1100 0001 00000001"+udp), ip6("2c", "1100 0100 00000001"+udp), ip6("2c", "1100 0000 00000001"+udp),
		ip6("2c", "1100 0006 00000001"+udp), ip6("00", "2c00 010400000000 3a00 0009 00000001"+icmp6), ip6("00", "2c00 010400000000 0600 0001 00000001 "+tcp), ip6("02", igmp), ip6("87", "3a00 010400000000"+icmp6),
		"0806" + arp, "8035" + arp, "0806" + arp + "0000000000", "0806" + strings.Replace(arp, "0001 5", "0101 5", 1), "0806" + strings.Replace(arp, "06 04", "06 05", 1),
		vlan + ip4("06", "0000", tcp), vlan + ip6("3a", ns), vlan + "0806" + arp, "88a8 6014 " + vlan + ip4("11", "0000", udp), vlan + vlan + ip6("06", tcp), vlan + vlan + vlan + ip4("06", "0000", tcp), "88a8 0000 " + ip4("06", "0000", tcp),
		"8847 00064140 " + ip4("06", "0000", tcp)[4:], "8848 00064040 000c8140 " + ip4("06", "0000", tcp)[4:], "8847 00064040 000c8040 00012040 00032140 4500", vlan + "8847 00064040 000c8040 00012140 4500",
		"0026 424203 0000000000", "0030 aaaa03 000000 0800" + ip4("06", "0000", tcp)[4:], "0030 aaaa03 000001 0800 4500", "0030 aaaa03 000000 0500 4500", vlan + "0030 aaaa03 000000 0806" + arp, "1234 5678", "88cc 020704",
		"894f 0fc60103 00000bff 11223344 55667788 99aabbcc ddeeff00", "894f 0fc40203 00000bff 01020001 aabbccdd", "894f 00020203 00000bff", "894f 4fc60103 00000bff 11223344 55667788 99aabbcc ddeeff00",
	} {
		out = append(out, unhex(eth+s))
	}
	return out
}

//go:build ignore

/*
 * Makes traffic that net_pcap's infinite_rx cannot: more flows than a mempool has packets, and frames in several segments.
 * It is preloaded into the switch (or testpmd), which still opens net_pcap0 as always: when DPDK starts that device, a receive
 * callback is added that edits each burst before the switch sees it.
 *
 *   GOVS_TRAFFIC_FLOWS=N   each frame, which must be Ethernet/IPv4/UDP, becomes one of the next of N flows (flowN in frames.go)
 *   GOVS_TRAFFIC_SPLIT=N   frames longer than N bytes come as two segments, the first of N bytes
 *   GOVS_TRAFFIC_GATE=FILE if FILE exists when the device is started, it receives nothing as long as FILE exists; with either of the
 *                          other two, also when FILE is made later (it is looked for each 1,024 bursts)
 *
 * The device is polled by one thread, so nothing here is locked.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

static uint32_t flows, split, next;

static inline void put16(uint8_t *p, uint16_t v) { v = __builtin_bswap16(v); memcpy(p, &v, 2); }
static inline void put32(uint8_t *p, uint32_t v) { v = __builtin_bswap32(v); memcpy(p, &v, 4); }

/* Writes the addresses and ports of flow u, as flowN of frames.go has them, and the checksums (UDP's to "none"). */
static inline void become(uint8_t *b, uint32_t u)
{
	uint32_t src = 0x0a000000 | (u & 0xffffff), dst = 0xc0a80000 | ((u * 0x9e37) & 0xffff);

	put16(b + 4, (uint16_t)(u * 13));
	put16(b + 10, (uint16_t)u);
	put32(b + 26, src);
	put32(b + 30, dst);
	put16(b + 34, (uint16_t)(1024 + u % 40000));
	put16(b + 36, (uint16_t)(1 + (u >> 24 << 8) + u * 7 % 200));
	memset(b + 40, 0, 2);

	uint32_t s = 0x4500 + (b[16] << 8 | b[17]) + 0x4011 + (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff);
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	put16(b + 24, (uint16_t)~s);
}

static void cut(struct rte_mbuf *m)
{
	struct rte_mbuf *rest = rte_pktmbuf_alloc(m->pool);
	uint16_t n = m->data_len - split;

	if (!rest)
		return; /* it stays in one piece */
	memcpy(rte_pktmbuf_mtod(rest, uint8_t *), rte_pktmbuf_mtod_offset(m, uint8_t *, split), n);
	rest->data_len = n;
	m->data_len = (uint16_t)split;
	m->next = rest;
	m->nb_segs = 2;
}

/* The receive function of a device behind a closed gate, which puts the device's own back when the gate has been opened. */
static eth_rx_burst_t behind;
static uint16_t gated;
static const char *gate;

static uint16_t wait_for_gate(void *rxq, struct rte_mbuf **pkts, uint16_t n)
{
	static unsigned calls;

	if (calls++ % 1024 || access(gate, F_OK) == 0)
		return 0;
	rte_eth_fp_ops[gated].rx_pkt_burst = behind;
	return behind(rxq, pkts, n);
}

static void close_gate(uint16_t port)
{
	gated = port;
	behind = rte_eth_fp_ops[port].rx_pkt_burst;
	rte_eth_fp_ops[port].rx_pkt_burst = wait_for_gate;
}

static uint16_t edit(uint16_t port, uint16_t queue, struct rte_mbuf *pkts[], uint16_t n, uint16_t max, void *arg)
{
	static unsigned calls;

	(void)queue, (void)max, (void)arg;
	if (gate && n && ++calls % 1024 == 0 && access(gate, F_OK) == 0)
		close_gate(port); /* behind this burst */
	if (flows)
		for (uint16_t i = 0; i < n; i++) {
			become(rte_pktmbuf_mtod(pkts[i], uint8_t *), next);
			next += 7919; /* a prime that does not divide N: each flow once a round */
			if (next >= flows)
				next %= flows;
		}
	if (split)
		for (uint16_t i = 0; i < n; i++)
			if (pkts[i]->data_len > split && pkts[i]->nb_segs == 1)
				cut(pkts[i]);
	return n;
}

/* Stands before DPDK's function of this name. */
int rte_eth_dev_start(uint16_t port)
{
	int (*real)(uint16_t) = (int (*)(uint16_t))dlsym(RTLD_NEXT, "rte_eth_dev_start");
	const char *f = getenv("GOVS_TRAFFIC_FLOWS"), *s = getenv("GOVS_TRAFFIC_SPLIT");
	static const struct rte_eth_rxtx_callback *added[RTE_MAX_ETHPORTS];
	char name[RTE_ETH_NAME_MAX_LEN];

	if (!real)
		return -ENOSYS;
	flows = f ? (uint32_t)strtoul(f, NULL, 10) : 0;
	gate = getenv("GOVS_TRAFFIC_GATE");
	split = s ? (uint32_t)strtoul(s, NULL, 10) : 0;
	if (rte_eth_dev_get_name_by_port(port, name) != 0 || strcmp(name, "net_pcap0") != 0)
		return real(port);
	if (flows || split) {
		/* It may be started again, or be another device with the number of one that was removed. */
		if (added[port])
			rte_eth_remove_rx_callback(port, 0, added[port]);
		added[port] = rte_eth_add_rx_callback(port, 0, edit, NULL);
		if (!added[port])
			return -EIO;
	}
	int err = real(port);
	if (err == 0 && gate && access(gate, F_OK) == 0)
		close_gate(port);
	return err;
}

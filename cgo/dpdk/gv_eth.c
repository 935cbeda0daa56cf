//go:build dpdk

#include "gv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_prefetch.h>

// The port that a devargs string names, or -ENODEV.
int gv_eth_find(const char *devargs)
{
	struct rte_dev_iterator it;
	uint16_t p;
	RTE_ETH_FOREACH_MATCHING_DEV(p, devargs, &it) {
		rte_eth_iterator_cleanup(&it);
		return p;
	}
	return -ENODEV;
}

int gv_eth_find_mac(const uint8_t *mac)
{
	uint16_t p;
	RTE_ETH_FOREACH_DEV(p) {
		struct rte_ether_addr a;
		if (rte_eth_macaddr_get(p, &a) == 0 && memcmp(a.addr_bytes, mac, 6) == 0)
			return p;
	}
	return -ENODEV;
}

int gv_eth_attach(const char *devargs)
{
	int r = rte_dev_probe(devargs);
	if (r < 0)
		return r;
	return gv_eth_find(devargs);
}

// Stops and closes the port and, with remove, detaches its device unless the device still has other ports.
int gv_eth_detach(uint16_t port, int remove)
{
	struct rte_eth_dev_info info;
	struct rte_device *dev = NULL;
	uint16_t p;
	if (rte_eth_dev_info_get(port, &info) == 0)
		dev = info.device;
	rte_eth_dev_stop(port);
	int r = rte_eth_dev_close(port);
	if (!remove || dev == NULL)
		return r;
	RTE_ETH_FOREACH_DEV(p) {
		if (rte_eth_dev_info_get(p, &info) == 0 && info.device == dev)
			return r;
	}
	return rte_dev_remove(dev);
}

int gv_eth_info(uint16_t port, struct gv_eth_info *o)
{
	struct rte_eth_dev_info i;
	memset(o, 0, sizeof *o);
	int r = rte_eth_dev_info_get(port, &i);
	if (r < 0)
		return r;
	snprintf(o->driver, sizeof o->driver, "%s", i.driver_name ? i.driver_name : "");
	if (i.device != NULL) {
		const struct rte_bus *bus = rte_dev_bus(i.device);
		const char *detail = rte_dev_bus_info(i.device);
		snprintf(o->bus, sizeof o->bus, "bus_name=%s%s%s", bus ? rte_bus_name(bus) : "",
			 detail && *detail ? ", " : "", detail ? detail : "");
	}
	o->numa = rte_eth_dev_socket_id(port);
	o->min_rx_buf = i.min_rx_bufsize;
	o->max_rx_pktlen = i.max_rx_pktlen;
	o->max_rxq = i.max_rx_queues;
	o->max_txq = i.max_tx_queues;
	o->max_macs = i.max_mac_addrs;
	o->max_hash_macs = i.max_hash_mac_addrs;
	o->max_vfs = i.max_vfs;
	o->max_vmdq = i.max_vmdq_pools;
	o->min_mtu = i.min_mtu;
	o->max_mtu = i.max_mtu;
	o->if_index = i.if_index;
	o->rx_cksum = (i.rx_offload_capa & RTE_ETH_RX_OFFLOAD_CHECKSUM) == RTE_ETH_RX_OFFLOAD_CHECKSUM;
	o->rx_scatter = (i.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;
	o->tx_multiseg = (i.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;
	o->tx_cksum = (i.tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0;
	o->tx_tso = (i.tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_TSO) != 0;
	o->representor = i.dev_flags != NULL && (*i.dev_flags & RTE_ETH_DEV_REPRESENTOR) != 0;
	o->lsc = i.dev_flags != NULL && (*i.dev_flags & RTE_ETH_DEV_INTR_LSC) != 0;
	o->rx_desc_max = i.rx_desc_lim.nb_max;
	o->rx_desc_min = i.rx_desc_lim.nb_min;
	o->rx_desc_align = i.rx_desc_lim.nb_align;
	o->tx_desc_max = i.tx_desc_lim.nb_max;
	o->tx_desc_min = i.tx_desc_lim.nb_min;
	o->tx_desc_align = i.tx_desc_lim.nb_align;
	return 0;
}

// Configures a stopped port. On failure what names the call.
int gv_eth_configure(uint16_t port, uint16_t rxq, uint16_t txq, uint16_t rxd, uint16_t txd, uint16_t mtu, void *pool, char *what, size_t whatlen)
{
	struct rte_eth_conf conf;
	struct rte_eth_dev_info info;
	struct rte_mempool *mp = pool;
	int r, socket = rte_eth_dev_socket_id(port);
	memset(&conf, 0, sizeof conf);
	snprintf(what, whatlen, "eth_dev");
	r = rte_eth_dev_info_get(port, &info);
	if (r < 0)
		return r;
	conf.rxmode.mtu = mtu;
	uint32_t room = rte_pktmbuf_data_room_size(mp) - RTE_PKTMBUF_HEADROOM;
	if (mtu + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + 8u > room && (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER))
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
	if ((info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_CHECKSUM) == RTE_ETH_RX_OFFLOAD_CHECKSUM)
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_CHECKSUM;
	if (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS)
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	if (rxq > 1) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf =
			(RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP) & info.flow_type_rss_offloads;
	}
	r = rte_eth_dev_configure(port, rxq, txq, &conf);
	if (r < 0)
		return r;
	r = rte_eth_dev_set_mtu(port, mtu);
	if (r < 0 && r != -ENOTSUP) {
		snprintf(what, whatlen, "MTU (%u)", mtu);
		return r;
	}
	for (uint16_t q = 0; q < txq; q++) {
		r = rte_eth_tx_queue_setup(port, q, txd, socket, NULL);
		if (r < 0) {
			snprintf(what, whatlen, "txq(%u)", q);
			return r;
		}
	}
	for (uint16_t q = 0; q < rxq; q++) {
		r = rte_eth_rx_queue_setup(port, q, rxd, socket, NULL, mp);
		if (r < 0) {
			snprintf(what, whatlen, "rxq(%u)", q);
			return r;
		}
	}
	return 0;
}

int gv_eth_start(uint16_t port) { return rte_eth_dev_start(port); }
int gv_eth_stop(uint16_t port) { return rte_eth_dev_stop(port); }
int gv_eth_set_mtu(uint16_t port, uint16_t mtu) { return rte_eth_dev_set_mtu(port, mtu); }
int gv_eth_get_mtu(uint16_t port, uint16_t *mtu) { return rte_eth_dev_get_mtu(port, mtu); }

int gv_eth_set_mac(uint16_t port, const uint8_t *mac)
{
	struct rte_ether_addr a;
	memcpy(a.addr_bytes, mac, 6);
	return rte_eth_dev_default_mac_addr_set(port, &a);
}

int gv_eth_get_mac(uint16_t port, uint8_t *mac)
{
	struct rte_ether_addr a;
	int r = rte_eth_macaddr_get(port, &a);
	if (r == 0)
		memcpy(mac, a.addr_bytes, 6);
	return r;
}

int gv_eth_set_promisc(uint16_t port, int on)
{
	int r = on ? rte_eth_promiscuous_enable(port) : rte_eth_promiscuous_disable(port);
	if (r == 0)
		r = on ? rte_eth_allmulticast_enable(port) : rte_eth_allmulticast_disable(port);
	return r;
}

int gv_eth_set_link(uint16_t port, int up)
{
	return up ? rte_eth_dev_set_link_up(port) : rte_eth_dev_set_link_down(port);
}

int gv_eth_link(uint16_t port, struct gv_eth_link *l)
{
	struct rte_eth_link link;
	int r = rte_eth_link_get_nowait(port, &link);
	if (r < 0)
		return r;
	l->up = link.link_status == RTE_ETH_LINK_UP;
	l->full_duplex = link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX;
	l->mbps = link.link_speed;
	return 0;
}

int gv_eth_stats(uint16_t port, uint64_t *o)
{
	struct rte_eth_stats s;
	int r = rte_eth_stats_get(port, &s);
	if (r < 0)
		return r;
	o[0] = s.ipackets;
	o[1] = s.opackets;
	o[2] = s.ibytes;
	o[3] = s.obytes;
	o[4] = s.imissed;
	o[5] = s.ierrors;
	o[6] = s.oerrors;
	o[7] = s.rx_nombuf;
	return 0;
}

int gv_eth_xstats_len(uint16_t port) { return rte_eth_xstats_get(port, NULL, 0); }

int gv_eth_xstats(uint16_t port, int n, char *names, uint64_t *values)
{
	_Static_assert(sizeof(struct rte_eth_xstat_name) == 64, "xstat names are 64 bytes");
	struct rte_eth_xstat *x = calloc(n, sizeof *x);
	if (x == NULL)
		return -ENOMEM;
	int r = rte_eth_xstats_get_names(port, (struct rte_eth_xstat_name *)names, n);
	if (r == n)
		r = rte_eth_xstats_get(port, x, n);
	if (r != n) {
		free(x);
		return r < 0 ? r : -EAGAIN;
	}
	for (int i = 0; i < n; i++)
		values[x[i].id] = x[i].value;
	free(x);
	return 0;
}

int gv_eth_rx(uint16_t port, uint16_t queue, uintptr_t batch)
{
	struct gv_batch *b = (struct gv_batch *)batch;
	uint16_t n = rte_eth_rx_burst(port, queue, b->bufs, GV_BATCH_SIZE);
	for (uint16_t i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(b->bufs[i], void *));
	b->n = n;
	return n;
}

uint64_t gv_eth_tx(uint16_t port, uint16_t queue, uintptr_t batch, uint32_t maxlen)
{
	struct gv_batch *b = (struct gv_batch *)batch;
	uint16_t n = (uint16_t)b->n, sent, longer = 0;
	for (uint16_t i = 0; i < n; i++)
		longer += b->bufs[i]->pkt_len > maxlen;
	if (unlikely(longer)) {
		uint16_t k = 0;
		for (uint16_t i = 0; i < n; i++) {
			if (b->bufs[i]->pkt_len > maxlen)
				rte_pktmbuf_free(b->bufs[i]);
			else
				b->bufs[k++] = b->bufs[i];
		}
		n = k;
	}
	b->n = 0;
	sent = rte_eth_tx_burst(port, queue, b->bufs, n);
	if (unlikely(sent != n))
		rte_pktmbuf_free_bulk(&b->bufs[sent], n - sent);
	return (uint64_t)longer << 32 | (uint64_t)(n - sent);
}

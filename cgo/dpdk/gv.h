// What the Go side of cgo/dpdk calls. No function here keeps a pointer to Go memory or calls Go.
#ifndef GV_H
#define GV_H

#include <stddef.h>
#include <stdint.h>
#include <rte_mbuf.h>

#define GV_BATCH_SIZE 32

// The same layout as packet.Batch.
struct gv_batch {
	int64_t n;
	struct rte_mbuf *bufs[GV_BATCH_SIZE];
};

// Offsets for layout.go.
enum {
	GV_MBUF_SIZE = sizeof(struct rte_mbuf),
	GV_OFF_BUF_ADDR = offsetof(struct rte_mbuf, buf_addr),
	GV_OFF_BUF_IOVA = offsetof(struct rte_mbuf, buf_iova),
	GV_OFF_DATA_OFF = offsetof(struct rte_mbuf, data_off),
	GV_OFF_REFCNT = offsetof(struct rte_mbuf, refcnt),
	GV_OFF_NB_SEGS = offsetof(struct rte_mbuf, nb_segs),
	GV_OFF_PORT = offsetof(struct rte_mbuf, port),
	GV_OFF_OL_FLAGS = offsetof(struct rte_mbuf, ol_flags),
	GV_OFF_PACKET_TYPE = offsetof(struct rte_mbuf, packet_type),
	GV_OFF_PKT_LEN = offsetof(struct rte_mbuf, pkt_len),
	GV_OFF_DATA_LEN = offsetof(struct rte_mbuf, data_len),
	GV_OFF_VLAN_TCI = offsetof(struct rte_mbuf, vlan_tci),
	GV_OFF_RSS = offsetof(struct rte_mbuf, hash.rss),
	GV_OFF_HASH_HI = offsetof(struct rte_mbuf, hash.fdir.hi),
	GV_OFF_VLAN_OUTER = offsetof(struct rte_mbuf, vlan_tci_outer),
	GV_OFF_BUF_LEN = offsetof(struct rte_mbuf, buf_len),
	GV_OFF_POOL = offsetof(struct rte_mbuf, pool),
	GV_OFF_NEXT = offsetof(struct rte_mbuf, next),
	GV_OFF_TX_OFFLOAD = offsetof(struct rte_mbuf, tx_offload),
	GV_OFF_SHINFO = offsetof(struct rte_mbuf, shinfo),
	GV_OFF_PRIV_SIZE = offsetof(struct rte_mbuf, priv_size),
	GV_OFF_TIMESYNC = offsetof(struct rte_mbuf, timesync),
	GV_OFF_DYNFIELD = offsetof(struct rte_mbuf, dynfield1),
	GV_OFF_BATCH_BUFS = offsetof(struct gv_batch, bufs),
	GV_BATCH = GV_BATCH_SIZE,
	GV_HEADROOM = RTE_PKTMBUF_HEADROOM,
	GV_F_RX_VLAN = RTE_MBUF_F_RX_VLAN,
	GV_F_RX_RSS = RTE_MBUF_F_RX_RSS_HASH,
	GV_F_RX_L4_BAD = RTE_MBUF_F_RX_L4_CKSUM_BAD,
	GV_F_RX_IP_BAD = RTE_MBUF_F_RX_IP_CKSUM_BAD,
	GV_F_RX_IP_GOOD = RTE_MBUF_F_RX_IP_CKSUM_GOOD,
	GV_F_RX_L4_GOOD = RTE_MBUF_F_RX_L4_CKSUM_GOOD,
	// The transmit flags, shifted so that they fit an enumeration.
	GV_B_TX_TCP_SEG = RTE_MBUF_F_TX_TCP_SEG >> 48,
	GV_B_TX_TCP = RTE_MBUF_F_TX_TCP_CKSUM >> 48,
	GV_B_TX_SCTP = RTE_MBUF_F_TX_SCTP_CKSUM >> 48,
	GV_B_TX_UDP = RTE_MBUF_F_TX_UDP_CKSUM >> 48,
	GV_B_TX_L4_MASK = RTE_MBUF_F_TX_L4_MASK >> 48,
	GV_B_TX_IP = RTE_MBUF_F_TX_IP_CKSUM >> 48,
	GV_B_TX_IPV4 = RTE_MBUF_F_TX_IPV4 >> 48,
	GV_B_TX_IPV6 = RTE_MBUF_F_TX_IPV6 >> 48,
};

// gv_eal.c
int gv_eal_init(int argc, char **argv, int logfd);
int gv_eal_ready(void);
int gv_eal_cleanup(void);
const char *gv_version(void);
int gv_thread_register(void);
void gv_thread_unregister(void);
int gv_lcore_id(void);
int gv_log_set_level(const char *pattern, uint32_t level);
int gv_has_hugepages(void);

void *gv_pool_create(const char *name, unsigned n, unsigned cache, unsigned priv, unsigned room, int socket, int *err);
void gv_pool_free(void *mp);
unsigned gv_pool_in_use(void *mp);
unsigned gv_pool_size(void *mp);
char *gv_pool_dump(void *mp);
void gv_pool_alloc(void *mp, uintptr_t batch, int n);
void gv_free(uintptr_t batch);
void gv_free_one(uintptr_t buf);

// gv_eth.c
struct gv_eth_info {
	char driver[64];
	char bus[256];
	int numa;
	uint32_t min_rx_buf, max_rx_pktlen;
	uint16_t max_rxq, max_txq;
	uint32_t max_macs, max_hash_macs;
	uint16_t max_vfs, max_vmdq;
	uint16_t min_mtu, max_mtu;
	uint32_t if_index;
	int rx_cksum, rx_scatter, tx_multiseg, tx_cksum, tx_tso, representor, lsc;
	uint16_t rx_desc_max, rx_desc_min, rx_desc_align;
	uint16_t tx_desc_max, tx_desc_min, tx_desc_align;
};
struct gv_eth_link {
	int up, full_duplex;
	uint64_t mbps; // UINT32_MAX: unknown
};
int gv_eth_find(const char *devargs);
int gv_eth_find_mac(const uint8_t *mac);
int gv_eth_attach(const char *devargs);
int gv_eth_detach(uint16_t port, int remove);
int gv_eth_info(uint16_t port, struct gv_eth_info *info);
int gv_eth_configure(uint16_t port, uint16_t rxq, uint16_t txq, uint16_t rxd, uint16_t txd, uint16_t mtu, void *pool, char *what, size_t whatlen);
int gv_eth_start(uint16_t port);
int gv_eth_stop(uint16_t port);
int gv_eth_set_mtu(uint16_t port, uint16_t mtu);
int gv_eth_get_mtu(uint16_t port, uint16_t *mtu);
int gv_eth_set_mac(uint16_t port, const uint8_t *mac);
int gv_eth_get_mac(uint16_t port, uint8_t *mac);
int gv_eth_set_promisc(uint16_t port, int on);
int gv_eth_set_link(uint16_t port, int up);
int gv_eth_link(uint16_t port, struct gv_eth_link *l);
int gv_eth_stats(uint16_t port, uint64_t *eight);
int gv_eth_xstats_len(uint16_t port);
int gv_eth_xstats(uint16_t port, int n, char *names, uint64_t *values); // names: n times 64 bytes
int gv_eth_rx(uint16_t port, uint16_t queue, uintptr_t batch);
// Sends what is not longer than maxlen and frees the rest; returns the packets that were too long << 32 | not sent.
uint64_t gv_eth_tx(uint16_t port, uint16_t queue, uintptr_t batch, uint32_t maxlen);

// gv_vhost.c
#define GV_VHOST_QPAIRS 64
#define GV_VHOST_CLIENT 1
#define GV_VHOST_IOMMU 2
#define GV_VHOST_POSTCOPY 4

struct gv_vhost_state {
	int vid, numa, vrings, rxqs, txqs;
	uint64_t features, connects;
	int mtu;
	int sizes[2 * GV_VHOST_QPAIRS];
};
// The counters of one queue, in this order.
enum {
	GV_C_PACKETS, GV_C_BYTES, GV_C_MULTICAST, GV_C_BROADCAST, GV_C_DROPPED, GV_C_RETRIES, GV_C_MTU, GV_C_DISABLED,
	GV_C_UNDER, GV_C_64, GV_C_127, GV_C_255, GV_C_511, GV_C_1023, GV_C_1518, GV_C_MAX,
	GV_C_DIRECT,
	GV_C_N
};
void *gv_vhost_register(const char *path, unsigned flags, void *pool, int *err);
int gv_vhost_unregister(void *v);
uint64_t gv_vhost_seq(void *v);
void gv_vhost_state(void *v, struct gv_vhost_state *s);
void gv_vhost_counters(void *v, int queue, uint64_t *rx, uint64_t *tx); // GV_C_N each
int gv_vhost_rx_enabled(void *v, int queue);
void gv_vhost_set(void *v, uint32_t maxlen, int retries);
// Asks the guest to signal packets that it puts into its transmit queue, or not to; a descriptor of the caller's that becomes
// readable at the edge then, -1 if there is none.
int gv_vhost_signal(void *v, uint16_t queue, int on);
int gv_vhost_waiting(void *v, uint16_t queue); // packets in the guest's transmit queue
int gv_vhost_rx(void *v, uint16_t queue, uintptr_t batch);
void gv_vhost_tx(void *v, uint16_t queue, uintptr_t batch);

/* The burst and mempool functions with their arguments in a struct, for package internal/ccall, which calls them without
 * the scheduler's part of a cgo call. They never block. */
struct gv_fast {
	void *object; /* mempool or vhost */
	uintptr_t batch; /* or packet */
	uint64_t port, queue, number;
	uint64_t result;
};
enum gv_fast_op { GV_FAST_ETH_RX, GV_FAST_ETH_TX, GV_FAST_VHOST_RX, GV_FAST_VHOST_TX, GV_FAST_ALLOC, GV_FAST_FREE, GV_FAST_FREE_ONE };
void *gv_fast_function(int op);

#endif

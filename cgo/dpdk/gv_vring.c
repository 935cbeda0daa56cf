//go:build dpdk

// The direct path: bursts on a guest's split virtqueue that do what rte_vhost_dequeue_burst and rte_vhost_enqueue_burst do, for the
// common case only, and faster: they take a burst stage by stage, so that the misses on what the guest wrote overlap.
//
// rte_vhost keeps the device: it speaks the protocol, maps the memory and holds the ring positions, which we write back after each
// burst (rte_vhost_set_vring_base), so that whatever it does with a ring, it does with the true ones. What is not common is left to
// rte_vhost's own bursts, packet by packet: see parse and the checks at the tops of the bursts. That is also what happens to
// malformed descriptors, so a guest's mistakes end as they do there.
//
// A message of the guest may change rings and memory. gv_vhost.c calls gv_vring_off before each, and a ring that is off becomes ours
// again only after a burst of rte_vhost's that moved packets and that no message came during: such a burst held the ring's lock, which
// the message's handler holds to its end, found the ring enabled and mapped, and has sent the RARP that a migrated guest asks for.
//
// The guest may write to rings, descriptors and buffers at any time. All that is read from there is read once and checked after.

#include "gv_vring.h"
#include "gv.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <rte_pause.h>
#include <rte_prefetch.h>

#ifndef VIRTIO_F_VERSION_1
#define VIRTIO_F_VERSION_1 32
#endif
#ifndef VIRTIO_F_IOMMU_PLATFORM
#define VIRTIO_F_IOMMU_PLATFORM 33
#endif
#ifndef VIRTIO_F_RING_PACKED
#define VIRTIO_F_RING_PACKED 34
#endif

#define BIT(n) (1ULL << (n))

// Devices with one of these are rte_vhost's: rings of another kind or behind an IOMMU, memory whose changes are logged (migration),
// and headers on which received packets' flags depend.
#define UNUSUAL (BIT(VIRTIO_F_IOMMU_PLATFORM) | BIT(VIRTIO_F_RING_PACKED) | BIT(VHOST_F_LOG_ALL) | BIT(VIRTIO_NET_F_CSUM) | \
	BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_HOST_ECN) | BIT(VIRTIO_NET_F_HOST_UFO))

// Packets with one of these are rte_vhost's: it puts them into the header.
#define OFFLOADS (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)

void gv_vring_off(struct gv_vring *r)
{
	for (unsigned i = 1;; i++) {
		uint32_t idle = GV_VRING_IDLE;
		if (__atomic_compare_exchange_n(&r->state, &idle, GV_VRING_OFF, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) || idle == GV_VRING_OFF)
			return;
		rte_pause();
		if (i % 1024 == 0)
			sched_yield(); // the poller may not be running
	}
}

// With VIRTIO_RING_F_EVENT_IDX rte_vhost signals if the event lies between the last entry that it has signalled and the new one.
// After 65,536 entries of ours the former may seem to lie behind an event that is to come; rte_vhost_vring_call sets it right.
void gv_vring_yield(struct gv_vring *r)
{
	struct rte_vhost_vring v;
	if (likely(!r->behind))
		return;
	r->behind = 0;
	if (rte_vhost_get_vhost_vring(r->vid, r->index, &v) == 0 && v.avail != NULL)
		rte_vhost_vring_call(r->vid, r->index);
}

// Reads what the direct path needs to know of the ring: -1 if it is none for us.
static int load(struct gv_vring *r, int vid, int index)
{
	struct rte_vhost_vring v;
	struct rte_vhost_ring_inflight inflight;
	struct rte_vhost_memory *mem;
	uint64_t features;
	if (rte_vhost_get_negotiated_features(vid, &features) != 0 || features & UNUSUAL ||
	    rte_vhost_get_vhost_vring(vid, index, &v) != 0 || v.desc == NULL || v.avail == NULL || v.used == NULL ||
	    v.size == 0 || v.size & (v.size - 1) ||
	    (uintptr_t)v.desc % 16 != 0 || (uintptr_t)v.avail % 2 != 0 || (uintptr_t)v.used % 4 != 0)
		return -1;
	memset(&inflight, 0, sizeof inflight);
	if (rte_vhost_get_vhost_ring_inflight(vid, index, &inflight) == 0 && inflight.inflight_split != NULL)
		return -1;
	if (rte_vhost_get_mem_table(vid, &mem) != 0)
		return -1;
	uint32_t n = mem->nregions;
	for (uint32_t i = 0; i < n && n <= GV_VRING_REGIONS; i++)
		r->regions[i] = (struct gv_region){mem->regions[i].guest_phys_addr, mem->regions[i].size, (uint8_t *)(uintptr_t)mem->regions[i].host_user_addr};
	free(mem);
	if (n == 0 || n > GV_VRING_REGIONS)
		return -1;
	r->nregions = n;
	r->desc = v.desc;
	r->ring = v.avail;
	r->done = v.used;
	r->mask = v.size - 1;
	r->callfd = v.callfd;
	r->event_idx = (features & BIT(VIRTIO_RING_F_EVENT_IDX)) != 0;
	r->hlen = features & (BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_F_VERSION_1)) ? sizeof(struct virtio_net_hdr_mrg_rxbuf) : sizeof(struct virtio_net_hdr);
	r->vid = vid;
	r->index = index;
	return rte_vhost_get_vring_base(vid, index, &r->avail, &r->used);
}

void gv_vring_sync(struct gv_vring *r, int vid, int index, int moved, const uint64_t *messages, uint64_t seen)
{
	if (gv_vring_enter(r)) {
		int e = vid != r->vid || rte_vhost_get_vring_base(vid, index, &r->avail, &r->used) != 0;
		gv_vring_leave(r);
		if (unlikely(e))
			gv_vring_off(r);
		return;
	}
	if (!moved || seen & 1 || r->refused == seen)
		return;
	// A message that comes now either is seen here or waits until we are out.
	__atomic_store_n(&r->state, GV_VRING_BUSY, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(messages, __ATOMIC_SEQ_CST) == seen) {
		if (load(r, vid, index) == 0) {
			gv_vring_leave(r);
			return;
		}
		r->refused = seen;
	}
	__atomic_store_n(&r->state, GV_VRING_OFF, __ATOMIC_RELEASE);
}

// The host's address of len bytes of the guest's, NULL if they do not lie in one region.
static inline uint8_t *translate(const struct gv_vring *r, uint64_t addr, uint32_t len)
{
	for (int i = 0; i < r->nregions; i++) {
		const struct gv_region *g = &r->regions[i];
		uint64_t off = addr - g->guest;
		if (off < g->size)
			return len <= g->size - off ? g->host + off : NULL;
	}
	return NULL;
}

// A guest's buffer for one packet.
struct buffer {
	uint8_t *hdr, *data;
	uint32_t len; // of data
};

static inline struct vring_desc read_desc(const struct vring_desc *d)
{
	const volatile struct vring_desc *v = d;
	return (struct vring_desc){v->addr, v->len, v->flags, v->next};
}

// Finds the buffer that the descriptor head begins: header and data in one descriptor or in one each, in the ring or in an indirect
// table. -1: anything else.
static inline int parse(const struct gv_vring *r, uint16_t head, struct buffer *b)
{
	const struct vring_desc *table = r->desc;
	uint32_t n = (uint32_t)r->mask + 1;
	struct vring_desc d = read_desc(&table[head]);
	if (d.flags & VRING_DESC_F_INDIRECT) {
		n = d.len / sizeof d;
		if (d.flags & VRING_DESC_F_NEXT || n == 0 || n > (uint32_t)r->mask + 1)
			return -1;
		table = (const struct vring_desc *)translate(r, d.addr, d.len);
		if (table == NULL || (uintptr_t)table % 8 != 0)
			return -1;
		d = read_desc(table);
	}
	b->hdr = translate(r, d.addr, d.len);
	if (b->hdr == NULL)
		return -1;
	if (!(d.flags & VRING_DESC_F_NEXT)) {
		if (d.len <= r->hlen)
			return -1;
		b->data = b->hdr + r->hlen;
		b->len = d.len - r->hlen;
		return 0;
	}
	if (d.len != r->hlen || d.next >= n)
		return -1;
	d = read_desc(&table[d.next]);
	b->data = translate(r, d.addr, d.len);
	b->len = d.len;
	return d.flags & (VRING_DESC_F_NEXT | VRING_DESC_F_INDIRECT) || d.len == 0 || b->data == NULL ? -1 : 0;
}

static inline void copy16(uint8_t *to, const uint8_t *from) { memcpy(to, from, 16); }

static inline void copy64(uint8_t *to, const uint8_t *from)
{
	copy16(to, from);
	copy16(to + 16, from + 16);
	copy16(to + 32, from + 32);
	copy16(to + 48, from + 48);
}

// Copies exactly len bytes, short packets in blocks of which the last ones overlap. What lies behind a packet in an mbuf is another
// guest's.
static inline void copy(uint8_t *to, const uint8_t *from, uint32_t len)
{
	if (len >= 32 && len <= 64) {
		copy16(to, from);
		copy16(to + 16, from + 16);
		copy16(to + len - 32, from + len - 32);
		copy16(to + len - 16, from + len - 16);
	} else if (len > 64 && len <= 256) {
		for (uint32_t i = 0; i + 64 < len; i += 64)
			copy64(to + i, from + i);
		copy64(to + len - 64, from + len - 64);
	} else {
		memcpy(to, from, len);
	}
}

// Writes the header of a packet without offloads, in one buffer.
static inline void write_header(uint8_t *to, uint16_t len)
{
	static const struct virtio_net_hdr_mrg_rxbuf h = {.num_buffers = 1};
	memcpy(to, &h, 8);
	if (likely(len == sizeof h))
		memcpy(to + 8, (const uint8_t *)&h + 8, sizeof h - 8);
	else
		memcpy(to + 8, (const uint8_t *)&h + 8, sizeof h.hdr - 8);
}

static inline void prefetch_write(const void *p)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)p));
#else
	__builtin_prefetch(p, 1);
#endif
}

// Reads at most max heads of available buffers from the ring; how many there are. All are valid indices.
static inline int heads(const struct gv_vring *r, uint16_t *head, int max, int *odd)
{
	uint16_t n = __atomic_load_n(&r->ring->idx, __ATOMIC_ACQUIRE) - r->avail;
	if (n < max)
		max = n;
	for (int i = 0; i < max; i++) {
		head[i] = __atomic_load_n(&r->ring->ring[(r->avail + i) & r->mask], __ATOMIC_RELAXED);
		if (unlikely(head[i] > r->mask)) {
			*odd = 1;
			return i;
		}
		rte_prefetch0(&r->desc[head[i]]);
	}
	return max;
}

static inline void put_used(struct gv_vring *r, int i, uint16_t head, uint32_t len)
{
	vring_used_elem_t *e = &r->done->ring[(r->used + i) & r->mask];
	*(volatile uint32_t *)&e->id = head;
	*(volatile uint32_t *)&e->len = len;
}

// Shows the guest n used entries and signals it if it asked for that.
static inline void publish(struct gv_vring *r, int n)
{
	uint16_t old = r->used;
	r->avail += n;
	r->used += n;
	__atomic_store_n(&r->done->idx, r->used, __ATOMIC_RELEASE);
	rte_vhost_set_vring_base(r->vid, r->index, r->avail, r->used);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); // the guest writes its wish first and reads idx then
	int wanted;
	if (r->event_idx) {
		uint16_t event = __atomic_load_n(&r->ring->ring[r->mask + 1], __ATOMIC_RELAXED);
		wanted = (uint16_t)(r->used - event - 1) < (uint16_t)(r->used - old);
		r->behind = 1;
	} else {
		wanted = !(__atomic_load_n(&r->ring->flags, __ATOMIC_RELAXED) & VRING_AVAIL_F_NO_INTERRUPT);
	}
	if (wanted && r->callfd >= 0)
		eventfd_write(r->callfd, 1);
}

int gv_vring_rx(struct gv_vring *r, struct rte_mempool *pool, struct rte_mbuf **bufs, int max)
{
	uint16_t head[GV_BATCH_SIZE];
	struct buffer b[GV_BATCH_SIZE];
	int odd = 0, n = heads(r, head, max, &odd), i;
	if (n == 0)
		return -odd;
	uint32_t room = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
	for (i = 0; i < n; i++) {
		if (unlikely(parse(r, head[i], &b[i]) != 0 || b[i].len > room))
			break;
		rte_prefetch0(b[i].data);
		for (uint32_t k = 64; k < b[i].len && k < 256; k += 64)
			rte_prefetch0(b[i].data + k);
		prefetch_write(&r->done->ring[(r->used + i) & r->mask]);
	}
	n = i;
	if (unlikely(n == 0 || rte_pktmbuf_alloc_bulk(pool, bufs, n) != 0))
		return -1;
	for (i = 0; i < n; i++) {
		copy(rte_pktmbuf_mtod(bufs[i], uint8_t *), b[i].data, b[i].len);
		bufs[i]->pkt_len = b[i].len;
		bufs[i]->data_len = b[i].len;
		put_used(r, i, head[i], 0);
	}
	publish(r, n);
	return n;
}

int gv_vring_tx(struct gv_vring *r, struct rte_mbuf **bufs, int n, int *odd)
{
	uint16_t head[GV_BATCH_SIZE];
	struct buffer b[GV_BATCH_SIZE];
	*odd = 0;
	n = heads(r, head, n, odd);
	if (n == 0)
		return 0;
	int i;
	for (i = 0; i < n; i++) {
		if (unlikely(bufs[i]->ol_flags & OFFLOADS || parse(r, head[i], &b[i]) != 0 || bufs[i]->pkt_len > b[i].len)) {
			*odd = 1;
			break;
		}
		prefetch_write(b[i].hdr);
		for (uint32_t k = 0; k < bufs[i]->pkt_len && k < 256; k += 64)
			prefetch_write(b[i].data + k);
		prefetch_write(&r->done->ring[(r->used + i) & r->mask]);
	}
	n = i;
	if (n == 0)
		return 0;
	for (i = 0; i < n; i++) {
		uint8_t *to = b[i].data;
		uint32_t left = bufs[i]->pkt_len;
		write_header(b[i].hdr, r->hlen);
		put_used(r, i, head[i], left + r->hlen);
		for (struct rte_mbuf *m = bufs[i]; m != NULL && left > 0; m = m->next) {
			uint32_t k = RTE_MIN((uint32_t)m->data_len, left);
			copy(to, rte_pktmbuf_mtod(m, uint8_t *), k);
			to += k;
			left -= k;
		}
	}
	publish(r, n);
	return n;
}

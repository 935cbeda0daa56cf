//go:build dpdk

// vhost-user ports on rte_vhost. Events come on DPDK's threads and are written down in struct gv_vhost; a poller never
// waits for them. Each queue has a lock that its user holds during a burst. destroy_device must not return while a
// poller is inside DPDK with that device: it first takes the device number away and then takes and gives back each
// lock once. A poller reads the device number under the lock, so that it either is waited for or finds none.
//
// What a poller asks about a ring outside of bursts makes DPDK wait for the ring's own lock, which a thread of DPDK's may hold while
// it calls destroy_device. So that has a lock of its own, ask, which is waited for before the device is freed, but not in
// destroy_device.
//
// Most bursts are not rte_vhost's but go the direct path (gv_vring.c). A message of the guest's turns it off first. The thread that
// handles messages may hold the rings' locks of DPDK's then, for which a poller waits inside rte_vhost with the queue's lock held; so
// it does not take that lock, but waits for pollers that are inside the direct path, which waits for nothing.

#include "gv.h"
#include "gv_vring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_net.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_pause.h>
#include <rte_prefetch.h>
#include <rte_vhost.h>

#define PATH_LEN 256

struct vq {
	uint32_t lock;        // held during a burst; guards c
	uint64_t c[GV_C_N];   // counters; written under lock, read without
	struct gv_vring ring; // the direct path; used under lock
} __attribute__((aligned(64)));

struct gv_vhost {
	// Read by pollers, written by events.
	int vid;                         // -1: none
	int16_t txmap[GV_VHOST_QPAIRS];  // the guest's queue for each of our transmit queues, -1: none is enabled
	uint32_t maxlen;
	int retries;
	struct rte_mempool *pool;
	uint64_t messages;               // changes with each message of the guest's, and is odd while one is handled

	pthread_mutex_t mu;              // guards all below
	uint64_t seq, connects;
	uint8_t enabled[2 * GV_VHOST_QPAIRS];
	int sizes[2 * GV_VHOST_QPAIRS];
	int numa, vrings, mtu;
	uint64_t features;
	uint32_t ask;                    // held while a poller is inside DPDK for something else than a burst
	char path[PATH_LEN];
	struct gv_vhost *next;

	struct vq rx[GV_VHOST_QPAIRS], tx[GV_VHOST_QPAIRS];
};

static pthread_mutex_t all_mu = PTHREAD_MUTEX_INITIALIZER; // guards all
static struct gv_vhost *all;

static inline int try(uint32_t *l)
{
	return __atomic_load_n(l, __ATOMIC_RELAXED) == 0 && __atomic_exchange_n(l, 1, __ATOMIC_ACQUIRE) == 0;
}

static void lock(uint32_t *l)
{
	for (unsigned i = 0; !try(l); i++) {
		rte_pause();
		if (i % 1024 == 1023)
			sched_yield(); // its user may not be running
	}
}

static inline void unlock(uint32_t *l) { __atomic_store_n(l, 0, __ATOMIC_RELEASE); }

static inline int q_trylock(struct vq *q) { return try(&q->lock); }
static void q_lock(struct vq *q) { lock(&q->lock); }
static inline void q_unlock(struct vq *q) { unlock(&q->lock); }

static inline void count(uint64_t *c, uint64_t n) { __atomic_store_n(c, *c + n, __ATOMIC_RELAXED); }

static struct gv_vhost *find(int vid)
{
	char name[PATH_LEN];
	struct gv_vhost *v;
	if (rte_vhost_get_ifname(vid, name, sizeof name) != 0)
		return NULL;
	pthread_mutex_lock(&all_mu);
	for (v = all; v != NULL && strcmp(v->path, name) != 0; v = v->next)
		;
	pthread_mutex_unlock(&all_mu);
	return v;
}

static void changed(struct gv_vhost *v) { __atomic_add_fetch(&v->seq, 1, __ATOMIC_RELEASE); }

// Spreads our transmit queues over the rings that the guest has enabled. Called with mu held.
static void map_tx(struct gv_vhost *v)
{
	int16_t on[GV_VHOST_QPAIRS];
	int n = 0;
	for (int q = 0; q < GV_VHOST_QPAIRS; q++)
		if (v->enabled[2 * q])
			on[n++] = q;
	for (int q = 0; q < GV_VHOST_QPAIRS; q++)
		__atomic_store_n(&v->txmap[q], n == 0 ? -1 : on[q % n], __ATOMIC_RELAXED);
}

// Begins a message: the direct path is off from here on, until messages is even and rte_vhost has moved packets.
static void begin_message(struct gv_vhost *v)
{
	uint64_t m = __atomic_load_n(&v->messages, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&v->messages, &m, (m + 1) | 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
	for (int i = 0; i < GV_VHOST_QPAIRS; i++) {
		gv_vring_off(&v->rx[i].ring);
		gv_vring_off(&v->tx[i].ring);
	}
}

static enum rte_vhost_msg_result pre_message(int vid, void *msg)
{
	(void)msg;
	struct gv_vhost *v = find(vid);
	if (v != NULL)
		begin_message(v);
	return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
}

// Not called after a message that failed: then the direct path stays off until the next one.
static enum rte_vhost_msg_result post_message(int vid, void *msg)
{
	(void)msg;
	struct gv_vhost *v = find(vid);
	if (v != NULL && __atomic_load_n(&v->messages, __ATOMIC_RELAXED) & 1)
		__atomic_add_fetch(&v->messages, 1, __ATOMIC_SEQ_CST);
	return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
}

static const struct rte_vhost_user_extern_ops message_ops = {.pre_msg_handle = pre_message, .post_msg_handle = post_message};

// Waits until no poller is inside a device whose number it read before, and forgets that device's rings.
static void quiesce(struct gv_vhost *v)
{
	for (int i = 0; i < GV_VHOST_QPAIRS; i++) {
		for (int tx = 0; tx < 2; tx++) {
			struct vq *q = tx ? &v->tx[i] : &v->rx[i];
			q_lock(q);
			gv_vring_off(&q->ring);
			q->ring.behind = 0;
			q_unlock(q);
		}
	}
}

static int new_device(int vid)
{
	struct gv_vhost *v = find(vid);
	if (v == NULL)
		return -1;
	pthread_mutex_lock(&v->mu);
	v->vrings = rte_vhost_get_vring_num(vid);
	if (v->vrings > 2 * GV_VHOST_QPAIRS)
		v->vrings = 2 * GV_VHOST_QPAIRS;
	v->numa = rte_vhost_get_numa_node(vid);
	v->features = 0;
	rte_vhost_get_negotiated_features(vid, &v->features);
	uint16_t mtu = 0;
	v->mtu = rte_vhost_get_mtu(vid, &mtu) == 0 ? mtu : 0;
	for (int i = 0; i < v->vrings; i++) {
		struct rte_vhost_vring ring;
		v->sizes[i] = rte_vhost_get_vhost_vring(vid, i, &ring) == 0 ? ring.size : 0;
		rte_vhost_enable_guest_notification(vid, i, 0); // we poll
	}
	v->connects++;
	__atomic_store_n(&v->vid, vid, __ATOMIC_SEQ_CST);
	quiesce(v); // a second guest on one socket takes the place of the first
	changed(v);
	pthread_mutex_unlock(&v->mu);
	return 0;
}

static void destroy_device(int vid)
{
	struct gv_vhost *v = find(vid);
	if (v == NULL || __atomic_load_n(&v->vid, __ATOMIC_ACQUIRE) != vid)
		return;
	__atomic_store_n(&v->vid, -1, __ATOMIC_SEQ_CST);
	quiesce(v);
	changed(v);
}

static int vring_state_changed(int vid, uint16_t queue, int enable)
{
	struct gv_vhost *v = find(vid);
	if (v == NULL || queue >= 2 * GV_VHOST_QPAIRS)
		return 0;
	gv_vring_off(queue % 2 == 0 ? &v->tx[queue / 2].ring : &v->rx[queue / 2].ring);
	pthread_mutex_lock(&v->mu);
	__atomic_store_n(&v->enabled[queue], enable != 0, __ATOMIC_RELAXED);
	if (queue % 2 == 0)
		map_tx(v);
	changed(v);
	pthread_mutex_unlock(&v->mu);
	return 0;
}

static void reset_queues(int vid)
{
	struct gv_vhost *v = find(vid);
	if (v == NULL)
		return;
	pthread_mutex_lock(&v->mu);
	memset(v->enabled, 0, sizeof v->enabled);
	map_tx(v);
	changed(v);
	pthread_mutex_unlock(&v->mu);
}

// Without the callbacks messages stays odd, and the direct path is not used.
static int new_connection(int vid)
{
	struct gv_vhost *v = find(vid);
	if (v != NULL) {
		begin_message(v);
		rte_vhost_extern_callback_register(vid, &message_ops, NULL);
	}
	reset_queues(vid);
	return 0;
}

// The device is freed after this.
static void destroy_connection(int vid)
{
	struct gv_vhost *v = find(vid);
	if (v == NULL)
		return;
	lock(&v->ask);
	unlock(&v->ask);
	reset_queues(vid);
}

static const struct rte_vhost_device_ops ops = {
	.new_device = new_device,
	.destroy_device = destroy_device,
	.vring_state_changed = vring_state_changed,
	.new_connection = new_connection,
	.destroy_connection = destroy_connection,
};

static void forget(struct gv_vhost *v)
{
	pthread_mutex_lock(&all_mu);
	for (struct gv_vhost **p = &all; *p != NULL; p = &(*p)->next) {
		if (*p == v) {
			*p = v->next;
			break;
		}
	}
	pthread_mutex_unlock(&all_mu);
	pthread_mutex_destroy(&v->mu);
	free(v);
}

void *gv_vhost_register(const char *path, unsigned flags, void *pool, int *err)
{
	struct gv_vhost *v = NULL;
	uint64_t f = 0;
	*err = ENAMETOOLONG;
	if (strlen(path) >= 108) // sun_path of unix(7)
		return NULL;
	pthread_mutex_lock(&all_mu);
	for (v = all; v != NULL; v = v->next) {
		if (strcmp(v->path, path) == 0) {
			pthread_mutex_unlock(&all_mu);
			*err = EADDRINUSE;
			return NULL;
		}
	}
	*err = ENOMEM;
	if (posix_memalign((void **)&v, 64, sizeof *v) != 0) {
		pthread_mutex_unlock(&all_mu);
		return NULL;
	}
	memset(v, 0, sizeof *v);
	pthread_mutex_init(&v->mu, NULL);
	v->vid = -1;
	v->messages = 1;
	v->maxlen = RTE_ETHER_MAX_VLAN_FRAME_LEN - RTE_ETHER_CRC_LEN;
	v->retries = 8;
	v->pool = pool;
	strcpy(v->path, path);
	map_tx(v);
	v->next = all;
	all = v;
	pthread_mutex_unlock(&all_mu);

	if (flags & GV_VHOST_CLIENT)
		f |= RTE_VHOST_USER_CLIENT;
	if (flags & GV_VHOST_IOMMU)
		f |= RTE_VHOST_USER_IOMMU_SUPPORT;
	if (flags & GV_VHOST_POSTCOPY)
		f |= RTE_VHOST_USER_POSTCOPY_SUPPORT;
	errno = 0;
	if (rte_vhost_driver_register(path, f) != 0) {
		*err = errno ? errno : EIO;
		forget(v);
		return NULL;
	}
	// The guest finishes its checksums and cuts its segments itself.
	rte_vhost_driver_disable_features(path, 1ULL << VIRTIO_NET_F_CSUM | 1ULL << VIRTIO_NET_F_HOST_TSO4 |
		1ULL << VIRTIO_NET_F_HOST_TSO6 | 1ULL << VIRTIO_NET_F_HOST_ECN | 1ULL << VIRTIO_NET_F_HOST_UFO);
	errno = 0;
	if (rte_vhost_driver_callback_register(path, &ops) != 0 || rte_vhost_driver_start(path) != 0) {
		*err = errno ? errno : EIO;
		rte_vhost_driver_unregister(path);
		forget(v);
		return NULL;
	}
	*err = 0;
	return v;
}

int gv_vhost_unregister(void *p)
{
	struct gv_vhost *v = p;
	int r = rte_vhost_driver_unregister(v->path); // calls destroy_device if a guest is there
	if (r == 0)
		forget(v);
	return r;
}

uint64_t gv_vhost_seq(void *p) { return __atomic_load_n(&((struct gv_vhost *)p)->seq, __ATOMIC_ACQUIRE); }

void gv_vhost_state(void *p, struct gv_vhost_state *s)
{
	struct gv_vhost *v = p;
	pthread_mutex_lock(&v->mu);
	s->vid = __atomic_load_n(&v->vid, __ATOMIC_ACQUIRE);
	s->numa = v->numa;
	s->vrings = v->vrings;
	s->features = v->features;
	s->connects = v->connects;
	s->mtu = v->mtu;
	s->rxqs = s->txqs = 0;
	for (int q = 0; q < GV_VHOST_QPAIRS; q++) {
		if (v->enabled[2 * q + 1])
			s->rxqs = q + 1;
		s->txqs += v->enabled[2 * q];
	}
	memcpy(s->sizes, v->sizes, sizeof s->sizes);
	pthread_mutex_unlock(&v->mu);
}

void gv_vhost_counters(void *p, int queue, uint64_t *rx, uint64_t *tx)
{
	struct gv_vhost *v = p;
	for (int i = 0; i < GV_C_N; i++) {
		rx[i] = __atomic_load_n(&v->rx[queue].c[i], __ATOMIC_RELAXED);
		tx[i] = __atomic_load_n(&v->tx[queue].c[i], __ATOMIC_RELAXED);
	}
}

int gv_vhost_rx_enabled(void *p, int queue)
{
	struct gv_vhost *v = p;
	return __atomic_load_n(&v->vid, __ATOMIC_ACQUIRE) >= 0 && __atomic_load_n(&v->enabled[2 * queue + 1], __ATOMIC_RELAXED);
}

int gv_vhost_signal(void *p, uint16_t queue, int on)
{
	struct gv_vhost *v = p;
	int fd = -1;
	if (queue >= GV_VHOST_QPAIRS)
		return -1;
	lock(&v->ask);
	int vid = __atomic_load_n(&v->vid, __ATOMIC_ACQUIRE);
	struct rte_vhost_vring ring;
	if (vid >= 0 && rte_vhost_enable_guest_notification(vid, 2 * queue + 1, on) == 0 && on &&
	    rte_vhost_get_vhost_vring(vid, 2 * queue + 1, &ring) == 0 && ring.kickfd >= 0)
		fd = fcntl(ring.kickfd, F_DUPFD_CLOEXEC, 0);
	unlock(&v->ask);
	return fd;
}

int gv_vhost_waiting(void *p, uint16_t queue)
{
	struct gv_vhost *v = p;
	int n = 0;
	if (queue >= GV_VHOST_QPAIRS)
		return 0;
	lock(&v->ask);
	int vid = __atomic_load_n(&v->vid, __ATOMIC_ACQUIRE);
	if (vid >= 0)
		n = (int)rte_vhost_rx_queue_count(vid, 2 * queue + 1);
	unlock(&v->ask);
	return n;
}

void gv_vhost_set(void *p, uint32_t maxlen, int retries)
{
	struct gv_vhost *v = p;
	__atomic_store_n(&v->maxlen, maxlen, __ATOMIC_RELAXED);
	__atomic_store_n(&v->retries, retries, __ATOMIC_RELAXED);
}

// Which of the size counters a packet belongs to.
static inline unsigned size_class(uint32_t len)
{
	if (len <= 64)
		return len < 64 ? GV_C_UNDER : GV_C_64;
	if (len >= 1024)
		return len <= 1518 ? GV_C_1518 : GV_C_MAX;
	return GV_C_64 + (31 - __builtin_clz(len)) - 5;
}

static inline void count_packets(struct vq *q, struct rte_mbuf **bufs, int n)
{
	uint64_t bytes = 0, run = 0;
	unsigned class = size_class(bufs[0]->pkt_len);
	for (int i = 0; i < n; i++) {
		uint32_t len = bufs[i]->pkt_len;
		unsigned k = size_class(len);
		const struct rte_ether_addr *dst = rte_pktmbuf_mtod(bufs[i], const struct rte_ether_addr *);
		bytes += len;
		if (unlikely(dst->addr_bytes[0] & 1))
			count(&q->c[rte_is_broadcast_ether_addr(dst) ? GV_C_BROADCAST : GV_C_MULTICAST], 1);
		if (k != class) {
			count(&q->c[class], run);
			class = k;
			run = 0;
		}
		run++;
	}
	count(&q->c[class], run);
	count(&q->c[GV_C_PACKETS], n);
	count(&q->c[GV_C_BYTES], bytes);
}

// Bursts of rte_vhost's own.
static uint16_t library_rx(struct gv_vhost *v, struct vq *q, int vid, int index, struct rte_mbuf **bufs)
{
	uint64_t seen = __atomic_load_n(&v->messages, __ATOMIC_SEQ_CST);
	gv_vring_yield(&q->ring);
	uint16_t n = rte_vhost_dequeue_burst(vid, index, v->pool, bufs, GV_BATCH_SIZE);
	gv_vring_sync(&q->ring, vid, index, n, &v->messages, seen);
	for (uint16_t i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(bufs[i], void *));
	return n;
}

static uint16_t library_tx(struct gv_vhost *v, struct vq *q, int vid, int index, struct rte_mbuf **bufs, int n)
{
	uint64_t seen = __atomic_load_n(&v->messages, __ATOMIC_SEQ_CST);
	gv_vring_yield(&q->ring);
	uint16_t k = rte_vhost_enqueue_burst(vid, index, bufs, n);
	gv_vring_sync(&q->ring, vid, index, k, &v->messages, seen);
	return k;
}

// A burst by the direct path, and by rte_vhost what that does not take.
static int send(struct gv_vhost *v, struct vq *q, int vid, int index, struct rte_mbuf **bufs, int n)
{
	int k = 0, rest = 1;
	if (likely(gv_vring_enter(&q->ring))) {
		k = gv_vring_tx(&q->ring, bufs, n, &rest);
		gv_vring_leave(&q->ring);
		count(&q->c[GV_C_DIRECT], k);
	}
	return rest ? k + library_tx(v, q, vid, index, bufs + k, n - k) : k;
}

int gv_vhost_rx(void *p, uint16_t queue, uintptr_t batch)
{
	struct gv_vhost *v = p;
	struct gv_batch *b = (struct gv_batch *)batch;
	b->n = 0;
	if (queue >= GV_VHOST_QPAIRS || __atomic_load_n(&v->vid, __ATOMIC_ACQUIRE) < 0)
		return 0;
	struct vq *q = &v->rx[queue];
	if (!q_trylock(q))
		return 0;
	int vid = __atomic_load_n(&v->vid, __ATOMIC_ACQUIRE);
	if (vid >= 0) {
		int n = -1;
		if (likely(gv_vring_enter(&q->ring))) {
			n = gv_vring_rx(&q->ring, v->pool, b->bufs, GV_BATCH_SIZE);
			gv_vring_leave(&q->ring);
			if (n > 0)
				count(&q->c[GV_C_DIRECT], n);
		}
		if (n < 0)
			n = library_rx(v, q, vid, 2 * queue + 1, b->bufs);
		if (n > 0)
			count_packets(q, b->bufs, n);
		b->n = n;
	}
	q_unlock(q);
	return (int)b->n;
}

// Sends what it can and frees everything. What the guest's ring has no room for is tried again as often as retries says, as
// long as each try gets something in.
void gv_vhost_tx(void *p, uint16_t queue, uintptr_t batch)
{
	struct gv_vhost *v = p;
	struct gv_batch *b = (struct gv_batch *)batch;
	int n = (int)b->n, longer = 0;
	uint32_t maxlen = __atomic_load_n(&v->maxlen, __ATOMIC_RELAXED);
	struct rte_mbuf *bufs[GV_BATCH_SIZE];
	for (int i = 0; i < n; i++) {
		bufs[i - longer] = b->bufs[i];
		longer += b->bufs[i]->pkt_len > maxlen;
	}
	int fit = n - longer, sent = 0, tries = 0, off = 0;
	int ring = __atomic_load_n(&v->txmap[queue % GV_VHOST_QPAIRS], __ATOMIC_RELAXED);
	struct vq *q = &v->tx[ring < 0 ? 0 : ring];
	q_lock(q);
	int vid = __atomic_load_n(&v->vid, __ATOMIC_ACQUIRE);
	if (vid >= 0 && ring >= 0) {
		int max = __atomic_load_n(&v->retries, __ATOMIC_RELAXED);
		while (sent < fit) {
			int k = send(v, q, vid, 2 * ring, &bufs[sent], fit - sent);
			sent += k;
			if (k == 0 || sent == fit || tries >= max)
				break;
			tries++;
		}
		if (sent > 0)
			count_packets(q, bufs, sent);
	} else {
		off = fit;
	}
	if (unlikely(sent != n)) {
		count(&q->c[GV_C_DROPPED], fit - sent - off);
		count(&q->c[GV_C_MTU], longer);
		count(&q->c[GV_C_DISABLED], off);
	}
	if (tries)
		count(&q->c[GV_C_RETRIES], tries);
	q_unlock(q);
	rte_pktmbuf_free_bulk(b->bufs, n);
	b->n = 0;
}

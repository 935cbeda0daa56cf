// One split virtqueue of a guest, read and written without rte_vhost: see gv_vring.c.
#ifndef GV_VRING_H
#define GV_VRING_H

#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_vhost.h>

#define GV_VRING_REGIONS 16 // a guest with more memory regions keeps rte_vhost's path

// A contiguous part of the guest's memory.
struct gv_region {
	uint64_t guest, size; // guest-physical address and length
	uint8_t *host;
};

// Whoever holds the queue's burst lock ("the poller") owns all fields but state.
struct gv_vring {
	uint32_t state; // GV_VRING_…
	uint16_t avail, used; // positions in the avail and the used ring, those of rte_vhost unless OFF
	uint16_t mask; // size - 1
	uint16_t hlen; // of the virtio_net_hdr
	uint8_t event_idx;
	uint8_t behind; // rte_vhost does not know which used entries have been signalled since its last burst
	uint8_t nregions;
	int callfd;
	int vid, index; // whose ring, and which
	struct vring_desc *desc;
	struct vring_avail *ring; // of available heads
	struct vring_used *done;
	struct gv_region regions[GV_VRING_REGIONS];
	uint64_t refused; // the generation of messages with which gv_vring_sync found a device that is not for us; 0: none
};

enum {
	GV_VRING_OFF,  // rte_vhost's
	GV_VRING_IDLE, // ours, nobody is in it
	GV_VRING_BUSY, // the poller is in it
};

// The direct path's hold on a ring, by the poller: what gv_vring_off waits for, so nothing in between may block.
static inline int gv_vring_enter(struct gv_vring *r)
{
	uint32_t idle = GV_VRING_IDLE;
	return __atomic_load_n(&r->state, __ATOMIC_RELAXED) == GV_VRING_IDLE &&
		__atomic_compare_exchange_n(&r->state, &idle, GV_VRING_BUSY, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline void gv_vring_leave(struct gv_vring *r) { __atomic_store_n(&r->state, GV_VRING_IDLE, __ATOMIC_RELEASE); }

// Gives the ring back to rte_vhost; waits until the poller is out of it. From any thread.
void gv_vring_off(struct gv_vring *r);

// What the poller calls before a burst of rte_vhost's on the ring.
void gv_vring_yield(struct gv_vring *r);

// What the poller calls after one: learns the new positions or, if the burst moved packets and the device is one for us, takes the
// ring over. messages counts as gv_vhost.c has it, and seen is its value before the burst.
void gv_vring_sync(struct gv_vring *r, int vid, int index, int moved, const uint64_t *messages, uint64_t seen);

// Bursts; between gv_vring_enter and gv_vring_leave, of at most GV_BATCH_SIZE packets. They stop at the first packet that they leave to
// rte_vhost: gv_vring_rx then returns -1 if that is the first, and gv_vring_tx sets *odd.
int gv_vring_rx(struct gv_vring *r, struct rte_mempool *pool, struct rte_mbuf **bufs, int max);
int gv_vring_tx(struct gv_vring *r, struct rte_mbuf **bufs, int n, int *odd);

#endif

//go:build dpdk

#include "gv.h"

static int fast_eth_rx(struct gv_fast *a)
{
	return gv_eth_rx((uint16_t)a->port, (uint16_t)a->queue, a->batch);
}

static int fast_eth_tx(struct gv_fast *a)
{
	a->result = gv_eth_tx((uint16_t)a->port, (uint16_t)a->queue, a->batch, (uint32_t)a->number);
	return 0;
}

static int fast_vhost_rx(struct gv_fast *a)
{
	return gv_vhost_rx(a->object, (uint16_t)a->queue, a->batch);
}

static int fast_vhost_tx(struct gv_fast *a)
{
	gv_vhost_tx(a->object, (uint16_t)a->queue, a->batch);
	return 0;
}

static int fast_alloc(struct gv_fast *a)
{
	gv_pool_alloc(a->object, a->batch, (int)a->number);
	return 0;
}

static int fast_free(struct gv_fast *a)
{
	gv_free(a->batch);
	return 0;
}

static int fast_free_one(struct gv_fast *a)
{
	gv_free_one(a->batch);
	return 0;
}

void *gv_fast_function(int op)
{
	switch (op) {
	case GV_FAST_ETH_RX: return (void *)fast_eth_rx;
	case GV_FAST_ETH_TX: return (void *)fast_eth_tx;
	case GV_FAST_VHOST_RX: return (void *)fast_vhost_rx;
	case GV_FAST_VHOST_TX: return (void *)fast_vhost_tx;
	case GV_FAST_ALLOC: return (void *)fast_alloc;
	case GV_FAST_FREE: return (void *)fast_free;
	case GV_FAST_FREE_ONE: return (void *)fast_free_one;
	}
	return 0;
}

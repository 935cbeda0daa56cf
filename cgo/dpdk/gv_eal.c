//go:build dpdk

#define _GNU_SOURCE
#include "gv.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_config.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <rte_mempool.h>
#include <rte_version.h>

#if RTE_VERSION < RTE_VERSION_NUM(22, 11, 0, 0)
#error "DPDK 22.11 or newer is needed"
#endif

static int log_fd = -1;
static int ready;

// A log record on the pipe: level, length (2 bytes, little-endian), text. It is at most PIPE_BUF long, so that records
// of several threads do not mix, and is lost if the reader is behind: a poller must not wait for it.
static ssize_t log_write(void *cookie, const char *buf, size_t size)
{
	(void)cookie;
	size_t done = 0;
	while (done < size) {
		char rec[1024];
		size_t n = size - done;
		if (n > sizeof rec - 3)
			n = sizeof rec - 3;
		rec[0] = (char)rte_log_cur_msg_loglevel();
		rec[1] = (char)(n & 0xff);
		rec[2] = (char)(n >> 8);
		memcpy(rec + 3, buf + done, n);
		ssize_t r = write(log_fd, rec, n + 3);
		(void)r;
		done += n;
	}
	return (ssize_t)size;
}

// Runs on a thread that stays the main lcore. Puts the thread's affinity back as it was.
int gv_eal_init(int argc, char **argv, int logfd)
{
	if (ready)
		return -EALREADY;
	if (log_fd < 0) {
		cookie_io_functions_t io = {.write = log_write};
		FILE *f;
		log_fd = logfd;
		f = fopencookie(NULL, "w", io);
		if (f == NULL)
			return -errno;
		setvbuf(f, NULL, _IOLBF, 1000);
		rte_openlog_stream(f);
	}
	cpu_set_t set;
	int have = pthread_getaffinity_np(pthread_self(), sizeof set, &set) == 0;
	int r = rte_eal_init(argc, argv);
	int err = rte_errno;
	if (have)
		pthread_setaffinity_np(pthread_self(), sizeof set, &set);
	if (r < 0)
		return err > 0 ? -err : -EINVAL;
	ready = 1;
	return 0;
}

int gv_eal_ready(void) { return __atomic_load_n(&ready, __ATOMIC_ACQUIRE); }

int gv_eal_cleanup(void)
{
	ready = 0;
	return rte_eal_cleanup();
}

const char *gv_version(void) { return rte_version(); }
int gv_thread_register(void) { return rte_thread_register() == 0 ? 0 : -rte_errno; }
void gv_thread_unregister(void) { rte_thread_unregister(); }
int gv_lcore_id(void) { return rte_lcore_id() == LCORE_ID_ANY ? -1 : (int)rte_lcore_id(); }
int gv_log_set_level(const char *pattern, uint32_t level) { return rte_log_set_level_pattern(pattern, level); }
int gv_has_hugepages(void) { return rte_eal_has_hugepages(); }

void *gv_pool_create(const char *name, unsigned n, unsigned cache, unsigned priv, unsigned room, int socket, int *err)
{
	struct rte_mempool *mp = rte_pktmbuf_pool_create(name, n, cache, priv, room, socket);
	*err = mp == NULL ? rte_errno : 0;
	return mp;
}

void gv_pool_free(void *mp) { rte_mempool_free(mp); }
unsigned gv_pool_in_use(void *mp) { return rte_mempool_in_use_count(mp); }
/* A description of the pool, to be freed by the caller; NULL when memory is short. */
char *gv_pool_dump(void *mp)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	if (!f)
		return NULL;
	rte_mempool_dump(f, mp);
	fclose(f);
	return text;
}
unsigned gv_pool_size(void *mp) { return ((struct rte_mempool *)mp)->size; }

void gv_pool_alloc(void *mp, uintptr_t batch, int n)
{
	struct gv_batch *b = (struct gv_batch *)batch;
	if (n <= 0) {
		b->n = 0;
		return;
	}
	if (n > GV_BATCH_SIZE)
		n = GV_BATCH_SIZE;
	if (likely(rte_pktmbuf_alloc_bulk(mp, b->bufs, n) == 0)) {
		b->n = n;
		return;
	}
	int i; // the pool is nearly empty: take what there is
	for (i = 0; i < n; i++) {
		b->bufs[i] = rte_pktmbuf_alloc(mp);
		if (b->bufs[i] == NULL)
			break;
	}
	b->n = i;
}

void gv_free(uintptr_t batch)
{
	struct gv_batch *b = (struct gv_batch *)batch;
	rte_pktmbuf_free_bulk(b->bufs, (unsigned)b->n);
	b->n = 0;
}

void gv_free_one(uintptr_t buf) { rte_pktmbuf_free((struct rte_mbuf *)buf); }

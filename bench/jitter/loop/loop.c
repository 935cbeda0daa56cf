/* A loop of a given number of cycles an iteration that counts how long its iterations took, as pmd/iterations.go does.
 * Arguments: cycles an iteration, cycles in all. Output: lines of a bucket's lower bound and its count. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <x86intrin.h>

#define SUB_BITS 3
#define SUB (1 << SUB_BITS)

static uint64_t count[64 * SUB];

static int bucket(uint64_t v)
{
	int e = 63 - __builtin_clzll(v | SUB) - SUB_BITS;
	return (e << SUB_BITS) + (int)(v >> e);
}

static uint64_t low(int b)
{
	if (b < 2 * SUB)
		return b;
	return (uint64_t)(b % SUB + SUB) << (b / SUB - 1);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	uint64_t each = strtoull(argv[1], 0, 10), all = strtoull(argv[2], 0, 10);
	uint64_t begin = __rdtsc(), last = begin, now;
	do {
		do
			now = __rdtsc();
		while (now - last < each);
		count[bucket(now - last)]++;
		last = now;
	} while (now - begin < all);
	for (int b = 0; b < 64 * SUB; b++)
		if (count[b])
			printf("%llu %llu\n", (unsigned long long)low(b), (unsigned long long)count[b]);
	return 0;
}

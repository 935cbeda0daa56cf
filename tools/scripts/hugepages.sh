#!/bin/sh
# Reserves 2 MB huge pages and mounts hugetlbfs, if it may: "hugepages.sh 1024".
# Without the right, or the memory, it says so and succeeds: everything works without, only slower.
want=${1:-1024}
f=/proc/sys/vm/nr_hugepages
have=$(cat $f 2>/dev/null || echo 0)
if [ "$have" -lt "$want" ]; then
	sh -c "echo $want >$f" 2>/dev/null
	have=$(cat $f 2>/dev/null || echo 0)
fi
if [ "$have" -gt 0 ] && ! grep -qs ' hugetlbfs ' /proc/mounts; then
	mkdir -p /dev/hugepages && mount -t hugetlbfs nodev /dev/hugepages 2>/dev/null || have=0
fi
[ "$have" -ge "$want" ] || echo "huge pages: $have of $want: going on without" >&2
exit 0

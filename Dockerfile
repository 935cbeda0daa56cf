# govs in one image: every program, run as the switch with an embedded database.
#
#   docker build -t govs .
#   docker run --privileged --network host -v /run/openvswitch:/run/openvswitch \
#              -v /var/lib/openvswitch:/var/lib/openvswitch -v /dev/hugepages:/dev/hugepages govs
#
# The steps are the commands of the Makefile, so `make fresh` proves them where no container engine runs.

FROM debian:12 AS build
RUN apt-get update && apt-get install -y --no-install-recommends make gcc git ca-certificates
COPY --from=golang:1.26-bookworm /usr/local/go /usr/local/go
WORKDIR /src
COPY . .
RUN tools/scripts/deps.sh build && make

FROM debian:12
RUN apt-get update \
 && apt-get install -y --no-install-recommends dpdk librte-meta-all libbpf1 iproute2 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/bin/ovs* /usr/local/bin/
ENV OVS_RUNDIR=/run/openvswitch OVS_DBDIR=/var/lib/openvswitch OVS_LOGDIR=/var/log/openvswitch
VOLUME ["/run/openvswitch", "/var/lib/openvswitch"]
ENTRYPOINT ["ovs-vswitchd", "--embedded-db=/var/lib/openvswitch/conf.db", "--pidfile"]

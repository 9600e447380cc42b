#include "drivers/announce.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "drivers/driver.h"

#define PROBES	   3
#define PROBE_MS   50  /* between two probes */
#define PROBE_WAIT 200 /* for an answer to the last one */
#define ANNOUNCES  2

struct arp { /* RFC 826, for IPv4 on Ethernet */
	uint16_t hardware, protocol;
	uint8_t hardware_len, protocol_len;
	uint16_t op;
	uint8_t from_mac[6], from_ip[4], to_mac[6], to_ip[4];
} __attribute__((packed));

static int arp_open(const struct netif *dev, struct err *err)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ARP),
				  .sll_ifindex = dev->index };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			htons(ETH_P_ARP));
	int saved;

	if (fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	saved = errno;
	if (fd >= 0)
		close(fd);
	return err_set(err, -saved, "ARP socket: %s", strerror(saved));
}

/* @from is 0.0.0.0 in a probe, which teaches nobody anything. */
static int arp_send(int fd, const struct netif *dev, const uint8_t from[4],
		    const struct ip *to)
{
	struct sockaddr_ll all = { .sll_family = AF_PACKET,
				   .sll_protocol = htons(ETH_P_ARP),
				   .sll_ifindex = dev->index,
				   .sll_halen = 6,
				   .sll_addr = { 255, 255, 255, 255, 255,
						 255 } };
	struct arp p = { .hardware = htons(1),
			 .protocol = htons(ETH_P_IP),
			 .hardware_len = 6,
			 .protocol_len = 4,
			 .op = htons(1) };

	memcpy(p.from_mac, dev->mac, 6);
	memcpy(p.from_ip, from, 4);
	memcpy(p.to_ip, to->bytes, 4);
	return sendto(fd, &p, sizeof(p), 0, (struct sockaddr *)&all,
		      sizeof(all)) < 0
		       ? -errno
		       : 0;
}

/* An answer, or anybody else's use of the address: 1. */
static int arp_heard(int fd, const struct netif *dev, const struct ip *ip,
		     unsigned char mac[6])
{
	struct arp p;

	while (recv(fd, &p, sizeof(p), 0) == (ssize_t)sizeof(p)) {
		if (memcmp(p.from_ip, ip->bytes, 4) != 0 ||
		    memcmp(p.from_mac, dev->mac, 6) == 0)
			continue;
		memcpy(mac, p.from_mac, 6);
		return 1;
	}
	return 0;
}

int arp_probe(const struct netif *dev, const struct ip *ip,
	      unsigned char mac[6], struct err *err)
{
	static const uint8_t nobody[4];
	int fd = arp_open(dev, err), rc = 0;

	if (fd < 0)
		return fd;
	for (int i = 0; i < PROBES && rc == 0; i++) {
		int64_t until = driver_now_ms() +
				(i == PROBES - 1 ? PROBE_WAIT : PROBE_MS);
		struct pollfd p = { .fd = fd, .events = POLLIN };

		rc = arp_send(fd, dev, nobody, ip);
		while (rc == 0 && driver_now_ms() < until) {
			poll(&p, 1, (int)(until - driver_now_ms()));
			rc = arp_heard(fd, dev, ip, mac);
		}
	}
	close(fd);
	return rc < 0 ? err_set(err, rc, "ARP probe: %s", strerror(-rc)) : rc;
}

static int announce_v4(const struct netif *dev, const struct ip *ip,
		       struct err *err)
{
	int fd = arp_open(dev, err), rc = 0;

	if (fd < 0)
		return fd;
	for (int i = 0; i < ANNOUNCES && rc == 0; i++)
		rc = arp_send(fd, dev, ip->bytes, ip);
	close(fd);
	return rc < 0 ? err_set(err, rc, "ARP announcement: %s", strerror(-rc))
		      : 0;
}

static int announce_v6(const struct netif *dev, const struct ip *ip,
		       struct err *err)
{
	struct {
		struct nd_neighbor_advert na;
		struct nd_opt_hdr opt;
		uint8_t mac[6];
	} p = { .na.nd_na_type = ND_NEIGHBOR_ADVERT,
		.na.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE,
		.na.nd_na_target = ip->v6,
		.opt.nd_opt_type = ND_OPT_TARGET_LINKADDR,
		.opt.nd_opt_len = 1 };
	struct sockaddr_in6 all = { .sin6_family = AF_INET6,
				    .sin6_scope_id = (unsigned)dev->index };
	struct sockaddr_in6 from = { .sin6_family = AF_INET6,
				     .sin6_addr = ip->v6,
				     .sin6_scope_id = (unsigned)dev->index };
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	int hops = 255, rc = 0; /* receivers drop anything less */

	memcpy(p.mac, dev->mac, 6);
	inet_pton(AF_INET6, "ff02::1", &all.sin6_addr);
	if (fd < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops,
		       sizeof(hops)) < 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		rc = -errno;
	for (int i = 0; i < ANNOUNCES && rc == 0; i++)
		if (sendto(fd, &p, sizeof(p), 0, (struct sockaddr *)&all,
			   sizeof(all)) < 0)
			rc = -errno;
	if (fd >= 0)
		close(fd);
	return rc < 0 ? err_set(err, rc, "neighbour advertisement: %s",
				strerror(-rc))
		      : 0;
}

int announce(const struct netif *dev, const struct ip *ip, struct err *err)
{
	return ip->family == AF_INET6 ? announce_v6(dev, ip, err)
				      : announce_v4(dev, ip, err);
}

/*
 * announce - is an address taken, and: it is here now.
 *
 * IPv4 by ARP as RFC 5227 has it (probes, then announcements), faster: a
 * failover waits for it, and on one link an answer takes milliseconds. IPv6
 * addresses are probed by the kernel when they are added; neighbours learn of
 * the new place by an unsolicited advertisement (RFC 4861, 7.2.6).
 */
#pragma once

#include "drivers/netif.h"

/* Does somebody on the link have this IPv4 address? 0 no, 1 yes, with the MAC
 * in @mac, or negative. Takes 0.3 s when nobody answers. */
int arp_probe(const struct netif *dev, const struct ip *ip,
	      unsigned char mac[6], struct err *err);
/* Tell everybody on the link. */
int announce(const struct netif *dev, const struct ip *ip, struct err *err);

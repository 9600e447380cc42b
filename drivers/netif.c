#include "drivers/netif.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef IFF_LOWER_UP /* <linux/if.h> and <net/if.h> exclude each other */
#define IFF_LOWER_UP 0x10000
#endif
#define IFA_F_DADFAILED 0x08
#define IFA_F_TENTATIVE 0x40

bool ip_parse(const char *text, struct ip *ret)
{
	*ret = (struct ip){ 0 };
	ret->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	return inet_pton(ret->family, text, ret->bytes) == 1;
}

const char *ip_text(struct arena *a, const struct ip *ip)
{
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(ip->family, ip->bytes, text, sizeof(text)))
		return "?";
	return arena_printf(a, "%s", text);
}

unsigned ip_bits(const struct ip *ip)
{
	return ip->family == AF_INET6 ? 128 : 32;
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, ip_bits(a) / 8) == 0;
}

bool ip_same_net(const struct ip *a, const struct ip *b, unsigned prefix)
{
	unsigned whole = prefix / 8, rest = prefix % 8;
	unsigned char mask = (unsigned char)(0xff00 >> rest);

	if (a->family != b->family || prefix > ip_bits(a))
		return false;
	return memcmp(a->bytes, b->bytes, whole) == 0 &&
	       (!rest || ((a->bytes[whole] ^ b->bytes[whole]) & mask) == 0);
}

/* The number of leading ones, or -1 if others follow the first zero. */
static int mask_prefix(const struct ip *mask)
{
	unsigned n = 0, bits = ip_bits(mask);

	while (n < bits && (mask->bytes[n / 8] >> (7 - n % 8) & 1))
		n++;
	for (unsigned i = n; i < bits; i++)
		if (mask->bytes[i / 8] >> (7 - i % 8) & 1)
			return -1;
	return (int)n;
}

int ip_prefix_parse(const char *text, int family)
{
	struct ip mask = { .family = family };
	char *end;
	long n = strtol(text, &end, 10);

	if (*text >= '0' && *text <= '9' && !*end)
		return n <= (long)ip_bits(&mask) ? (int)n : -1;
	if (!ip_parse(text, &mask) || mask.family != family)
		return -1;
	return mask_prefix(&mask);
}

/* -- what the kernel has ----------------------------------------------------
 */

static bool from_sockaddr(const struct sockaddr *sa, struct ip *ip)
{
	*ip = (struct ip){ 0 };
	if (!sa)
		return false;
	if (sa->sa_family == AF_INET)
		ip->v4 = ((const struct sockaddr_in *)(const void *)sa)
				 ->sin_addr;
	else if (sa->sa_family == AF_INET6)
		ip->v6 = ((const struct sockaddr_in6 *)(const void *)sa)
				 ->sin6_addr;
	else
		return false;
	ip->family = sa->sa_family;
	return true;
}

int netif_addresses(struct arena *a, struct netif_list *ret, struct err *err)
{
	struct ifaddrs *list = NULL;
	size_t n = 0;

	if (getifaddrs(&list) < 0)
		return err_set(err, -errno, "list addresses: %s",
			       strerror(errno));
	for (struct ifaddrs *i = list; i; i = i->ifa_next)
		n++;
	*ret = (struct netif_list){ .at = ARENA_VEC(a, struct netif_addr,
						    n + 1) };
	for (struct ifaddrs *i = list; i; i = i->ifa_next) {
		struct netif_addr *to = &ret->at[ret->n];
		struct ip mask;

		if (!from_sockaddr(i->ifa_addr, &to->ip))
			continue;
		snprintf(to->dev, sizeof(to->dev), "%.*s",
			 (int)strcspn(i->ifa_name, ":"), i->ifa_name);
		to->prefix = ip_bits(&to->ip);
		if (from_sockaddr(i->ifa_netmask, &mask) &&
		    mask_prefix(&mask) >= 0)
			to->prefix = (unsigned)mask_prefix(&mask);
		ret->n++;
	}
	freeifaddrs(list);
	return 0;
}

int netif_look(const char *dev, struct netif *ret, struct err *err)
{
	struct ifaddrs *list = NULL;

	*ret = (struct netif){ 0 };
	if (getifaddrs(&list) < 0)
		return err_set(err, -errno, "list interfaces: %s",
			       strerror(errno));
	for (struct ifaddrs *i = list; i; i = i->ifa_next) {
		const struct sockaddr_ll *ll = (const void *)i->ifa_addr;

		if (strcmp(i->ifa_name, dev) != 0 || !i->ifa_addr ||
		    i->ifa_addr->sa_family != AF_PACKET)
			continue;
		ret->exists = true;
		ret->up = i->ifa_flags & IFF_UP;
		ret->carrier = (i->ifa_flags & IFF_LOWER_UP) &&
			       (i->ifa_flags & IFF_RUNNING);
		ret->noarp = i->ifa_flags & IFF_NOARP;
		ret->loopback = i->ifa_flags & IFF_LOOPBACK;
		ret->index = ll->sll_ifindex;
		ret->has_mac =
			ll->sll_hatype == ARPHRD_ETHER && ll->sll_halen == 6;
		memcpy(ret->mac, ll->sll_addr, 6);
	}
	freeifaddrs(list);
	return 0;
}

/* "fe80000000000000...01 02 40 20 80     eth0": address, index, prefix, scope,
 * flags, all hexadecimal, and the interface. */
bool netif_parse_inet6(const char *line, const char *dev, const struct ip *ip,
		       enum dad *ret)
{
	char hex[33], name[32], mine[33];
	unsigned flags;

	for (int i = 0; i < 16; i++)
		snprintf(mine + 2 * i, 3, "%02x", ip->bytes[i]);
	if (sscanf(line, "%32[0-9a-f] %*x %*x %*x %x %31s", hex, &flags,
		   name) != 3 ||
	    strcmp(hex, mine) != 0 || strcmp(name, dev) != 0)
		return false;
	*ret = flags & IFA_F_DADFAILED	 ? DAD_FAILED
	       : flags & IFA_F_TENTATIVE ? DAD_TENTATIVE
					 : DAD_DONE;
	return true;
}

enum dad netif_dad(const char *dev, const struct ip *ip)
{
	FILE *f = fopen("/proc/thread-self/net/if_inet6", "re");
	enum dad dad = DAD_GONE;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (netif_parse_inet6(line, dev, ip, &dad))
			break;
	if (f)
		fclose(f);
	return dad;
}

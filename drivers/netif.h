/*
 * netif - interfaces and their addresses, as the kernel has them now.
 *
 * Of the network namespace of the calling thread. Flags tell of the link, as
 * /sys may show the interfaces of another namespace.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "fsm/base/arena.h"
#include "store/err.h"

struct ip {
	int family; /* AF_INET, AF_INET6; 0: none */
	union {
		struct in_addr v4;
		struct in6_addr v6;
		unsigned char bytes[16];
	};
};

struct netif_addr {
	char dev[16]; /* without the ":1" of a label */
	struct ip ip;
	unsigned prefix;
};

struct netif_list {
	struct netif_addr *at;
	size_t n;
};

struct netif {
	bool exists, up, carrier, noarp, loopback;
	int index;
	unsigned char mac[6];
	bool has_mac; /* of Ethernet */
};

int netif_addresses(struct arena *a, struct netif_list *ret, struct err *err);
int netif_look(const char *dev, struct netif *ret, struct err *err);

/* What the kernel's duplicate address detection says of an IPv6 address. */
enum dad { DAD_DONE, DAD_TENTATIVE, DAD_FAILED, DAD_GONE };
enum dad netif_dad(const char *dev, const struct ip *ip);
/* From a line of /proc/net/if_inet6; for netif_dad() and its test. */
bool netif_parse_inet6(const char *line, const char *dev, const struct ip *ip,
		       enum dad *ret);

bool ip_parse(const char *text, struct ip *ret);
const char *ip_text(struct arena *a, const struct ip *ip);
bool ip_equal(const struct ip *a, const struct ip *b);
unsigned ip_bits(const struct ip *ip); /* 32, 128 */
/* Are the first @prefix bits the same? */
bool ip_same_net(const struct ip *a, const struct ip *b, unsigned prefix);
/* "255.255.255.0", "ffff:ffff::" or "24": -1 if it is no mask of @family. */
int ip_prefix_parse(const char *mask, int family);

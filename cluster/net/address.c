#include "cluster/net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static bool port_is_valid(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n <= 5 && strspn(text, "0123456789") == n &&
	       strtoul(text, NULL, 10) <= 65535;
}

int address_parse(const char *text, unsigned port, struct address *ret,
		  struct err *err)
{
	bool brackets = text[0] == '[';
	const char *host = brackets ? text + 1 : text;
	size_t n = strcspn(host, brackets ? "]" : ":");
	const char *rest = host + n;
	struct address a = { 0 };

	if (brackets && *rest++ != ']')
		return err_set(err, -EINVAL, "address '%s': ']' is missing",
			       text);
	if (!brackets && strchr(rest, ':') != strrchr(rest, ':'))
		return err_set(err, -EINVAL,
			       "address '%s': an IPv6 address is written "
			       "[address]:port",
			       text);
	if (n >= sizeof(a.host) || (n == 0 && (brackets || *rest == '\0')))
		return err_set(err, -EINVAL,
			       "address '%s': host:port is expected", text);
	memcpy(a.host, host, n);
	snprintf(a.port, sizeof(a.port), "%u", port & 0xffff);
	if (*rest) {
		if (*rest != ':' || !port_is_valid(rest + 1))
			return err_set(err, -EINVAL,
				       "address '%s': a port from 0 to 65535 "
				       "is expected after ':'",
				       text);
		snprintf(a.port, sizeof(a.port), "%s", rest + 1);
	}
	*ret = a;
	return 0;
}

bool address_numeric(const struct address *a, struct sockaddr_storage *ret)
{
	int port = (int)strtol(a->port, NULL, 10);

	memset(ret, 0, sizeof(*ret));
	return uv_ip4_addr(a->host, port, (struct sockaddr_in *)ret) == 0 ||
	       uv_ip6_addr(a->host, port, (struct sockaddr_in6 *)ret) == 0;
}

socklen_t address_len(const struct sockaddr_storage *s)
{
	return s->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					: sizeof(struct sockaddr_in);
}

void address_text(const struct sockaddr_storage *s, bool port,
		  char ret[ADDRESS_TEXT])
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)s;
	const struct sockaddr_in *four = (const struct sockaddr_in *)s;
	bool is_six = s->ss_family == AF_INET6;
	const void *bytes = &four->sin_addr;
	char host[INET6_ADDRSTRLEN] = "?";
	unsigned number = ntohs(is_six ? six->sin6_port : four->sin_port);

	if (is_six) {
		bytes = &six->sin6_addr;
		if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
			bytes = &six->sin6_addr.s6_addr[12];
			is_six = false;
		}
	}
	if (s->ss_family == AF_INET || s->ss_family == AF_INET6)
		inet_ntop(is_six ? AF_INET6 : AF_INET, bytes, host,
			  sizeof(host));
	if (!port)
		snprintf(ret, ADDRESS_TEXT, "%s", host);
	else
		snprintf(ret, ADDRESS_TEXT, is_six ? "[%s]:%u" : "%s:%u", host,
			 number);
}

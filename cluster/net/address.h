/*
 * address - "host:port" as people write it.
 *
 * A host is a name, an IPv4 address, or an IPv6 address in brackets; nothing
 * before the colon means every address of this machine.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "store/err.h"

#define ADDRESS_TEXT 80 /* "[IPv6%interface]:port" */

struct address {
	char host[256]; /* "" if none was named */
	char port[6];	/* decimal, 0..65535 */
};

/* The port may be missing: @port is taken then. -EINVAL says what is wrong. */
int address_parse(const char *text, unsigned port, struct address *ret,
		  struct err *err);

/* The same with numbers, without asking a name server. False if the host is a
 * name (or is not named). */
bool address_numeric(const struct address *a, struct sockaddr_storage *ret);

socklen_t address_len(const struct sockaddr_storage *s);

/* For a person: an IPv4 address that arrived on an IPv6 socket is shown as
 * what it is. With @port, "host:port". */
void address_text(const struct sockaddr_storage *s, bool port,
		  char ret[ADDRESS_TEXT]);

/*
 * We dial the peers whose id is higher than ours. A round tries each address
 * of the peer in turn, beginning with the one that worked last, and of a name
 * each address that it has. Rounds begin at least `backoff` apart, doubled
 * with each one that fails, with jitter, so that a cluster that comes back
 * does not dial in step. It is the beginnings that are apart: a round that
 * took long (nobody answered) is followed by the next at once, and a healed
 * network is noticed within about a second.
 *
 * A name is resolved on libuv's thread pool; an address never is, so that
 * links between addresses do not wait for a name server that is away.
 */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/net/link_internal.h"

/* Outlives the peer that asked, as it cannot be taken back once begun. */
struct resolve {
	uv_getaddrinfo_t req;
	struct links *links;
	struct peer *peer; /* NULL: nobody waits any more */
	const char *address;
};

static void dial_next(struct peer *p);

static void dial_log(struct peer *p, const char *where, const char *why)
{
	struct links *l = p->links;

	if (link_note(l, p->name, where, l->timing.quiet))
		link_log(l, LOG_WARNING, "link with %s (%s): %s", p->name,
			 where, why);
}

static unsigned random_below(unsigned n)
{
	uint32_t r = 0;

	RAND_bytes((unsigned char *)&r, sizeof(r));
	return n ? r % n : 0;
}

/* -- names ---------------------------------------------------------------- */

static void add_targets(struct peer *p, const struct addrinfo *list)
{
	for (; list && p->n_targets < LINK_TARGETS; list = list->ai_next)
		if (list->ai_addrlen <= sizeof(p->targets[0]))
			memcpy(&p->targets[p->n_targets++], list->ai_addr,
			       list->ai_addrlen);
}

static void on_resolved(uv_getaddrinfo_t *req, int status,
			struct addrinfo *list)
{
	struct resolve *r = req->data;
	struct links *l = r->links;
	struct peer *p = r->peer;

	if (p) {
		p->resolve = NULL;
		if (status == 0)
			add_targets(p, list);
		else
			dial_log(p, r->address, uv_strerror(status));
		dial_next(p);
	}
	uv_freeaddrinfo(list);
	free(r);
	link_release(l);
}

static void resolve_begin(struct peer *p, const char *text,
			  const struct address *a)
{
	static const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct resolve *r = link_alloc(sizeof(*r));

	*r = (struct resolve){ .links = p->links, .peer = p, .address = text };
	r->req.data = r;
	if (uv_getaddrinfo(p->links->o.loop, &r->req, on_resolved, a->host,
			   a->port, &hints)) {
		free(r);
		return;
	}
	p->links->live++;
	p->resolve = r;
}

void dial_cancel(struct peer *p)
{
	if (p->resolve) {
		uv_cancel((uv_req_t *)&p->resolve->req);
		p->resolve->peer = NULL;
		p->resolve = NULL;
	}
	p->tried = p->n_addresses;
	p->n_targets = p->target = 0;
}

/* -- rounds --------------------------------------------------------------- */

/* The targets of the next address, at once or later. */
static void dial_address(struct peer *p)
{
	size_t i = (p->first + p->tried++) % p->n_addresses;
	const char *text = p->addresses[i];
	struct address a;
	struct err err;

	p->n_targets = p->target = 0;
	if (address_parse(text, LINK_PORT, &a, &err))
		dial_log(p, text, err.text);
	else if (address_numeric(&a, &p->targets[0]))
		p->n_targets = 1;
	else
		resolve_begin(p, text, &a);
}

static void dial_later(struct peer *p)
{
	const struct link_timing *t = &p->links->timing;
	uint64_t now = link_now(p->links);
	unsigned wait = p->backoff / 2 + random_below(p->backoff / 2 + 1);

	p->next_ms = p->round_ms + wait;
	if (p->next_ms < now)
		p->next_ms = now;
	p->backoff *= 2;
	if (p->backoff > t->backoff_max)
		p->backoff = t->backoff_max;
}

/* Go on with the round until there is something to wait for. */
static void dial_next(struct peer *p)
{
	while (!p->conn && !p->resolve) {
		const struct sockaddr_storage *to;
		char where[ADDRESS_TEXT];
		int rc;

		if (p->target == p->n_targets) {
			if (p->tried >= p->n_addresses) {
				dial_later(p);
				return;
			}
			dial_address(p);
			continue;
		}
		to = &p->targets[p->target++];
		rc = conn_dial(p, to);
		if (rc) {
			address_text(to, true, where);
			dial_log(p, where, uv_strerror(rc));
		}
	}
}

void dial_tick(struct peer *p)
{
	uint64_t now = link_now(p->links);

	if (p->id < p->links->o.self || p->conn || p->resolve ||
	    p->n_addresses == 0 || now < p->next_ms)
		return;
	p->round_ms = now;
	p->tried = 0;
	p->n_targets = p->target = 0;
	dial_next(p);
}

void dial_worked(struct peer *p)
{
	if (p->tried > 0 && p->n_addresses > 0)
		p->first = (p->first + p->tried - 1) % p->n_addresses;
}

void dial_ended(struct peer *p, uint64_t up_ms)
{
	if (up_ms == 0) {
		dial_next(p);
		return;
	}
	if (up_ms >= p->links->timing.settled)
		p->backoff = p->links->timing.backoff;
	p->round_ms = link_now(p->links);
	dial_later(p);
}

/*
 * rig - what the tests of cluster/net share: a directory that goes away,
 * clusters' certificates in it, and nodes that write down what happens.
 */
#pragma once

#include <ftw.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cluster/net/link_internal.h"
#include "cluster/net/pki.h"
#include "tests/lib/table.h"

#define UNUSED __attribute__((unused))

/* -- directories and certificates ---------------------------------------- */

static char rig_dir[64]; /* of this program */

static UNUSED int rig_remove(const char *path, const struct stat *st, int kind,
			     struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static UNUSED int rig_begin(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN); /* as the agent does */
	snprintf(rig_dir, sizeof(rig_dir), "/tmp/encap-net-XXXXXX");
	return mkdtemp(rig_dir) ? 0 : -1;
}

static UNUSED int rig_end(void **state)
{
	(void)state;
	return nftw(rig_dir, rig_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static UNUSED const char *rig_path(struct arena *a, const char *name)
{
	return arena_printf(a, "%s/%s", rig_dir, name);
}

/* A new cluster, with its first node's certificates in @dir. */
static UNUSED void rig_found(const char *dir, const char *cluster,
			     const char *node)
{
	struct err err = { 0 };

	if (pki_init(dir, cluster, node, &err))
		fail_msg("%s", err.text);
}

/* As a join does: the authority in @ca signs for @node. */
static UNUSED void rig_admit(const char *ca, const char *cluster,
			     const char *dir, const char *node)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *csr, *cert, *ca_pem, *ca_key;
	struct err err = { 0 };

	if (pki_request(a, dir, node, &csr, &err) ||
	    pki_sign(a, ca, cluster, csr, node, &cert, &err) ||
	    pki_read(a, ca, "ca.pem", &ca_pem, &err) ||
	    pki_read(a, ca, "ca.key", &ca_key, &err) ||
	    pki_install(dir, ca_pem, ca_key, cert, &err))
		fail_msg("%s", err.text);
}

/* hv1 .. hvN of one cluster, each in its directory. */
static UNUSED void rig_cluster(const char *cluster, int n)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *first = rig_path(a, arena_printf(a, "%s-hv1", cluster));

	rig_found(first, cluster, "hv1");
	for (int i = 2; i <= n; i++)
		rig_admit(first, cluster,
			  rig_path(a, arena_printf(a, "%s-hv%d", cluster, i)),
			  arena_printf(a, "hv%d", i));
}

/* -- nodes ---------------------------------------------------------------- */

#define NODE_PEERS 8

struct node {
	struct links *links; /* NULL: not open */
	uint64_t id;
	bool up[NODE_PEERS]; /* by the peer's id */
	int ups[NODE_PEERS], downs[NODE_PEERS];
	int64_t frames[NODE_PEERS]; /* counted */
	int64_t sum[NODE_PEERS];    /* of their "n" */
	int64_t last[NODE_PEERS];
	bool disorder; /* some "n" was not the one before plus one */
	bool echo;     /* send each frame back */
	int questions; /* of strangers */
	bool mute;     /* do not answer them */
	uint64_t asked;
	char log[16384];
	int lines;
	bool closed;
};

static UNUSED void node_say(struct node *n, uint64_t to, int64_t num,
			    size_t pad)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct doc *d = doc_map(a);
	struct buf b = BUF(a);

	doc_put_str(a, d, "k", "t");
	doc_put_int(a, d, "n", num);
	if (pad)
		doc_put_bin(a, d, "pad", arena_alloc(a, pad), pad);
	doc_encode(&b, d);
	link_send(n->links, to, b.data, b.len);
}

static UNUSED void node_on_frame(void *data, uint64_t peer, struct arena *a,
				 struct doc *frame)
{
	struct node *n = data;
	int64_t num = doc_get_int(frame, "n", -1);

	assert_true(peer < NODE_PEERS);
	assert_true(n->up[peer]);
	if (n->frames[peer] > 0 && num != n->last[peer] + 1)
		n->disorder = true;
	n->frames[peer]++;
	n->sum[peer] += num;
	n->last[peer] = num;
	if (n->echo) {
		struct buf b = BUF(a);

		doc_encode(&b, frame);
		link_send(n->links, peer, b.data, b.len);
		links_flush(n->links);
	}
}

static UNUSED void node_on_peer(void *data, uint64_t peer, bool up)
{
	struct node *n = data;

	assert_true(peer < NODE_PEERS);
	assert_true(n->up[peer] != up);
	assert_true(link_is_up(n->links, peer) == up);
	n->up[peer] = up;
	if (up)
		n->ups[peer]++;
	else
		n->downs[peer]++;
}

static UNUSED void node_on_stranger(void *data, uint64_t who, struct arena *a,
				    struct doc *frame)
{
	struct node *n = data;
	struct doc *d = doc_map(a);

	n->questions++;
	n->asked = who;
	if (n->mute)
		return;
	doc_put_int(a, d, "code", 0);
	doc_put_str(a, d, "name", doc_get_str(frame, "name", ""));
	links_answer(n->links, who, a, d);
}

static UNUSED void node_log(void *data, int level, const char *text)
{
	struct node *n = data;
	size_t used = strlen(n->log);

	(void)level;
	n->lines++;
	snprintf(n->log + used, sizeof(n->log) - used, "%s\n", text);
	if (getenv("RIG_LOG"))
		print_message("node %d: %s\n", (int)n->id, text);
}

static UNUSED struct links_options node_options(struct arena *a,
						uv_loop_t *loop, struct node *n,
						const char *cluster)
{
	return (struct links_options){
		.loop = loop,
		.pki_dir = rig_path(
			a, arena_printf(a, "%s-hv%d", cluster, (int)n->id)),
		.self = n->id,
		.cluster_id = cluster,
		.listen = "127.0.0.1:0",
		.data = n,
		.on_frame = node_on_frame,
		.on_peer = node_on_peer,
		.on_stranger = node_on_stranger,
		.log = node_log,
	};
}

static UNUSED void node_open_at(struct node *n, uv_loop_t *loop, uint64_t id,
				const char *cluster, const char *listen)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct links_options o;
	struct err err = { 0 };

	n->id = id;
	n->closed = false;
	o = node_options(a, loop, n, cluster);
	o.listen = listen;
	if (links_open(&n->links, &o, &err))
		fail_msg("%s", err.text);
	n->links->timing.tick = 10;
	uv_timer_set_repeat(&n->links->timer, 10);
}

static UNUSED void node_open(struct node *n, uv_loop_t *loop, uint64_t id,
			     const char *cluster)
{
	node_open_at(n, loop, id, cluster, "127.0.0.1:0");
}

/* Name @peers of @n, "hvID" each, at the port where they listen. */
static UNUSED void node_meet(struct node *n, struct node *const *peers)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct link_peer list[NODE_PEERS];
	size_t count = 0;

	for (; peers[count]; count++) {
		const char **at = ARENA_VEC(a, const char *, 2);

		at[0] = arena_printf(a, "127.0.0.1:%u",
				     links_port(peers[count]->links));
		list[count] = (struct link_peer){
			peers[count]->id,
			arena_printf(a, "hv%d", (int)peers[count]->id), at, NULL
		};
	}
	links_set_peers(n->links, list, count);
}
#define NODES(...)                                                             \
	(struct node *const[])                                                 \
	{                                                                      \
		__VA_ARGS__, NULL                                              \
	}

static UNUSED void node_on_closed(void *data)
{
	struct node *n = data;

	n->links = NULL;
	n->closed = true;
}

static UNUSED void node_close(struct node *n)
{
	links_close(n->links, node_on_closed);
	memset(n->up, 0, sizeof(n->up));
}

/* -- the loop ------------------------------------------------------------- */

static UNUSED void rig_on_timer(uv_timer_t *t)
{
	(void)t;
}

/* Turn @loop until @what, at most @ms. The condition is looked at between the
 * loop's rounds. */
#define RIG_UNTIL(loop, ms, what)                                              \
	({                                                                     \
		uv_timer_t _t;                                                 \
		uint64_t _end = uv_hrtime() + (uint64_t)(ms)*1000000;          \
		uv_timer_init((loop), &_t);                                    \
		uv_timer_start(&_t, rig_on_timer, 5, 5);                       \
		while (!(what) && uv_hrtime() < _end)                          \
			uv_run((loop), UV_RUN_ONCE);                           \
		uv_close((uv_handle_t *)&_t, NULL);                            \
		uv_run((loop), UV_RUN_NOWAIT);                                 \
		(what);                                                        \
	})

/* Everything is closed: nothing may be left. */
static UNUSED void rig_loop_end(uv_loop_t *loop)
{
	uint64_t end = uv_hrtime() + 10000000000u;

	while (uv_run(loop, UV_RUN_ONCE) && uv_hrtime() < end)
		;
	assert_int_equal(uv_loop_close(loop), 0);
}

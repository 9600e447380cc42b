/*
 * Commands on their way in, and their results out.
 *
 *     WAITING ──leader is us──▶ SUBMITTED ─┐
 *        ▲ └────leader known──▶ FORWARDED ─┴──applied here──▶ done
 *        └── leader or term changed, retry ─┘
 *
 * A proposal stays with the member where it was made; what travels is only
 * the command. The leader keeps no record of what others forwarded: it packs
 * it into its next entry, and the result is found by the command's client and
 * number when the entry is applied where it was proposed. So there is no
 * answer that could get lost, and a command that is sent twice is recorded
 * once (fsm/op). What is waiting in one turn travels as one entry per
 * PACK_BYTES.
 *
 * Commands that carry no client of their own are numbered by the engine, and
 * say below which number all of the engine's own in that group are settled.
 *
 *   k    message                      carries
 *   pp   forwarded commands           c[bin ...]
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/raft/internal.h"
#include "store/plant.h"

/* -- the table ---------------------------------------------------------- */

/* FNV-1a, 64 bits. */
static uint64_t key_hash(uint64_t gid, const char *client, uint64_t sq)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ gid;

	for (const char *p = client; *p; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
	for (unsigned i = 0; i < 64; i += 8)
		h = (h ^ (sq >> i & 255)) * UINT64_C(1099511628211);
	return h;
}

struct proposal *propose_find(struct engine *e, uint64_t gid,
			      const char *client, uint64_t sq)
{
	uint64_t h = key_hash(gid, client, sq);
	struct proposal *p;

	if (!e->n_table)
		return NULL;
	for (p = e->table[h & (e->cap_table - 1)]; p; p = p->next)
		if (p->hash == h && p->sq == sq && p->group->gid == gid &&
		    strcmp(p->client, client) == 0)
			return p;
	return NULL;
}

static int table_grow(struct engine *e)
{
	size_t cap = e->cap_table ? e->cap_table * 2 : 64;
	struct proposal **table;

	if (e->n_table < e->cap_table)
		return 0;
	table = calloc(cap, sizeof(struct proposal *));
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < e->cap_table; i++) {
		struct proposal *p = e->table[i], *next;

		for (; p; p = next) {
			next = p->next;
			p->next = table[p->hash & (cap - 1)];
			table[p->hash & (cap - 1)] = p;
		}
	}
	free(e->table);
	e->table = table;
	e->cap_table = cap;
	return 0;
}

static void table_add(struct engine *e, struct proposal *p)
{
	struct proposal **at = &e->table[p->hash & (e->cap_table - 1)];

	p->next = *at;
	*at = p;
	e->n_table++;
}

static void table_remove(struct engine *e, struct proposal *p)
{
	struct proposal **at = &e->table[p->hash & (e->cap_table - 1)];

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	e->n_table--;
}

/* -- life ----------------------------------------------------------------- */

static void to_waiting(struct proposal *p)
{
	if (p->state == PROPOSAL_WAITING)
		return;
	p->state = PROPOSAL_WAITING;
	TAILQ_INSERT_TAIL(&p->group->waiting, p, todo);
	engine_mark(p->group);
}

static void from_waiting(struct proposal *p, enum proposal_state state)
{
	TAILQ_REMOVE(&p->group->waiting, p, todo);
	p->state = state;
	p->tried = true;
}

static void detach(struct proposal *p)
{
	struct egroup *g = p->group;

	if (p->state == PROPOSAL_WAITING)
		TAILQ_REMOVE(&g->waiting, p, todo);
	TAILQ_REMOVE(&g->proposals, p, link);
	table_remove(g->engine, p);
	p->group = NULL;
}

static void proposal_free(struct proposal *p)
{
	free(p->data);
	free(p);
}

/* To be told in the turn. */
static void fail(struct engine *e, struct proposal *p, int code)
{
	if (p->group)
		detach(p);
	p->code = code;
	TAILQ_INSERT_TAIL(&e->failed, p, link);
	e->again = true;
}

void propose_tell(struct engine *e)
{
	struct arena *a;
	struct proposal *p;

	if (TAILQ_EMPTY(&e->failed))
		return;
	a = arena_new();
	while ((p = TAILQ_FIRST(&e->failed))) {
		TAILQ_REMOVE(&e->failed, p, link);
		p->done(p->arg, p->code, a, NULL);
		proposal_free(p);
	}
	arena_free(a);
}

void propose_applied(struct proposal *p, struct arena *a,
		     const struct doc *result)
{
	detach(p);
	p->done(p->arg, 0, a, result);
	proposal_free(p);
}

void propose_drop(struct egroup *g)
{
	struct proposal *p;
	struct relayed *r;

	while ((p = TAILQ_FIRST(&g->proposals)))
		fail(g->engine, p, p->tried ? -ETIMEDOUT : -ENOENT);
	while ((r = STAILQ_FIRST(&g->relayed))) {
		STAILQ_REMOVE_HEAD(&g->relayed, link);
		free(r);
	}
	g->n_relayed = 0;
}

/* -- a new one ------------------------------------------------------------ */

/* Below it, all that the engine numbered in this group is settled. */
static uint64_t settled(const struct egroup *g)
{
	const struct proposal *p;

	TAILQ_FOREACH (p, &g->proposals, link)
		if (p->numbered)
			return p->sq;
	return g->engine->next_sq;
}

static int name_command(struct proposal *p, struct egroup *g, struct arena *a,
			struct doc *command)
{
	struct engine *e = g->engine;
	const char *client = doc_get_str(command, "cl", "");

	if (!client[0]) {
		p->numbered = true;
		client = e->client;
		doc_put_str(a, command, "cl", client);
		doc_put_int(a, command, "sq", (int64_t)++e->next_sq);
		doc_put_int(a, command, "ak", (int64_t)settled(g));
	}
	if (strlen(client) >= CLIENT_SIZE)
		return -EMSGSIZE;
	strcpy(p->client, client);
	p->sq = (uint64_t)doc_get_int(command, "sq", 0);
	return 0;
}

static int take_command(struct proposal *p, struct egroup *g, struct arena *a,
			struct doc *command)
{
	struct buf b = BUF(a);
	int rc = name_command(p, g, a, command);

	if (rc < 0)
		return rc;
	doc_encode(&b, command);
	if (b.len > MAX_COMMAND)
		return -EMSGSIZE;
	p->data = malloc(b.len);
	if (!p->data || table_grow(g->engine) < 0)
		return -ENOMEM;
	memcpy(p->data, b.data, b.len);
	p->len = b.len;
	p->hash = key_hash(g->gid, p->client, p->sq);
	return 0;
}

static struct proposal *proposal_new(engine_done done, void *arg)
{
	struct proposal *p = calloc(1, sizeof(*p));

	if (!p)
		abort(); /* nobody could be told */
	p->done = done;
	p->arg = arg;
	return p;
}

static void propose(struct engine *e, uint64_t gid, struct arena *a,
		    struct doc *command, uint64_t timeout_ms,
		    struct proposal *p)
{
	struct egroup *g = e->closing ? NULL : engine_group(e, gid);
	int rc = g ? take_command(p, g, a, command) : -ENOENT;

	if (rc == 0 && p->led && !group_leads(g))
		rc = -ENETUNREACH;
	if (rc < 0) {
		fail(e, p, rc);
		return;
	}
	p->group = g;
	p->deadline = e->now + timeout_ms;
	p->pause_ms = FORWARD_RETRY_MS;
	TAILQ_INSERT_TAIL(&g->proposals, p, link);
	TAILQ_INSERT_TAIL(&g->waiting, p, todo);
	table_add(e, p);
	engine_mark(g);
	engine_busy(e);
}

void engine_propose(struct engine *e, uint64_t gid, struct arena *a,
		    struct doc *command, uint64_t timeout_ms, engine_done done,
		    void *arg)
{
	propose(e, gid, a, command, timeout_ms, proposal_new(done, arg));
}

void engine_propose_led(struct engine *e, uint64_t gid, struct arena *a,
			struct doc *command, uint64_t timeout_ms,
			engine_done done, void *arg)
{
	struct proposal *p = proposal_new(done, arg);

	p->led = true;
	propose(e, gid, a, command, timeout_ms, p);
}

/* -- the leader ------------------------------------------------------------ */

/* [1, command, ...]: array 32, positive fixint, then a bin 32 for each. So one
 * that turns out to be nonsense spoils no other. */
#define PACK_HEAD 6
#define BIN_HEAD  5

static unsigned char *put_be32(unsigned char *p, size_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*p++ = (unsigned char)(n >> shift);
	return p;
}

void *propose_pack(const struct bytes *commands, size_t n, size_t *ret_len)
{
	size_t len = PACK_HEAD;
	unsigned char *data, *p;

	for (size_t i = 0; i < n; i++)
		len += BIN_HEAD + commands[i].len;
	data = p = raft_malloc(len);
	if (!data)
		return NULL;
	*p++ = 0xdd;
	p = put_be32(p, n + 1);
	*p++ = 1;
	for (size_t i = 0; i < n; i++) {
		*p++ = 0xc6;
		p = put_be32(p, commands[i].len);
		memcpy(p, commands[i].data, commands[i].len);
		p += commands[i].len;
	}
	*ret_len = len;
	return data;
}

enum { PACK_COMMANDS = 1024 };

static int submit_relayed(struct egroup *g)
{
	struct bytes commands[PACK_COMMANDS];
	size_t n = 0, bytes = 0, len = 0;
	struct relayed *r;
	void *data;

	STAILQ_FOREACH (r, &g->relayed, link) {
		if (n == PACK_COMMANDS || (n && bytes + r->len > PACK_BYTES))
			break;
		commands[n++] = (struct bytes){ r->data, r->len };
		bytes += r->len;
	}
	data = propose_pack(commands, n, &len);
	while (n--) {
		r = STAILQ_FIRST(&g->relayed);
		STAILQ_REMOVE_HEAD(&g->relayed, link);
		g->n_relayed--;
		free(r);
	}
	return data ? group_submit(g, RAFT_COMMAND, data, len) : -ENOMEM;
}

static int submit_waiting(struct egroup *g)
{
	struct bytes commands[PACK_COMMANDS];
	struct proposal *packed[PACK_COMMANDS], *p;
	size_t n = 0, bytes = 0;
	size_t len = 0;
	void *data;
	int rc = -ENOMEM;

	TAILQ_FOREACH (p, &g->waiting, todo) {
		if (n == PACK_COMMANDS || (n && bytes + p->len > PACK_BYTES))
			break;
		packed[n] = p;
		commands[n++] = (struct bytes){ p->data, p->len };
		bytes += p->len;
	}
	/* Before the step, which can end our leadership at once. */
	for (size_t i = 0; i < n; i++)
		from_waiting(packed[i], PROPOSAL_SUBMITTED);
	data = propose_pack(commands, n, &len);
	if (data)
		rc = group_submit(g, RAFT_COMMAND, data, len);
	for (size_t i = 0; i < n && rc < 0; i++)
		to_waiting(packed[i]);
	return rc;
}

/* -- the others ------------------------------------------------------------ */

static void forward(struct egroup *g, uint64_t leader)
{
	struct arena *a = engine_scratch(g->engine);
	struct doc *msg = doc_map(a), *list = doc_list(a);
	struct proposal *p;
	size_t bytes = 0;

	while ((p = TAILQ_FIRST(&g->waiting)) &&
	       (!bytes || bytes + p->len <= APPEND_BYTES)) {
		bytes += p->len;
		doc_add(a, list, doc_bin(a, p->data, p->len));
		from_waiting(p, PROPOSAL_FORWARDED);
		p->retry = g->engine->now + p->pause_ms;
		if (p->pause_ms < FORWARD_RETRY_MAX_MS)
			p->pause_ms *= 2;
	}
	doc_put_str(a, msg, "k", "pp");
	doc_put(a, msg, "c", list);
	group_send(g, leader, a, msg);
}

static int relay(struct egroup *g, const struct doc *bin)
{
	struct relayed *r;

	if (bin->type != DOC_BIN || !bin->str.len ||
	    bin->str.len > MAX_COMMAND || g->n_relayed == MAX_RELAYED)
		return -EBADMSG;
	r = malloc(sizeof(*r) + bin->str.len);
	if (!r)
		return -ENOMEM;
	r->len = bin->str.len;
	memcpy(r->data, bin->str.data, r->len);
	STAILQ_INSERT_TAIL(&g->relayed, r, link);
	g->n_relayed++;
	return 0;
}

void propose_recv(struct egroup *g, const struct doc *msg)
{
	const struct doc *list = doc_get(msg, "c");

	/* Who sent it tries again when it has heard of the leader. */
	if (!group_leads(g) || !list || list->type != DOC_LIST)
		return;
	for (size_t i = 0; i < doc_len(list); i++)
		if (relay(g, doc_at(list, i)) < 0)
			break;
	engine_mark(g);
}

void propose_turn(struct egroup *g)
{
	uint64_t leader = group_leader(g);
	int rc = 0;

	while (group_leads(g) && rc == 0 && !STAILQ_EMPTY(&g->relayed))
		rc = submit_relayed(g);
	while (group_leads(g) && rc == 0 && !TAILQ_EMPTY(&g->waiting))
		rc = submit_waiting(g);
	if (!leader || leader == g->self)
		return;
	while (!TAILQ_EMPTY(&g->waiting))
		forward(g, leader);
}

void propose_new_leader(struct egroup *g)
{
	struct proposal *p, *next;

	for (p = TAILQ_FIRST(&g->proposals); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if (p->led && !PLANTED(OLD_DECISION))
			fail(g->engine, p,
			     p->tried ? -ETIMEDOUT : -ENETUNREACH);
		else
			to_waiting(p);
	}
	if (group_leads(g))
		return;
	while (!STAILQ_EMPTY(&g->relayed)) {
		struct relayed *r = STAILQ_FIRST(&g->relayed);

		STAILQ_REMOVE_HEAD(&g->relayed, link);
		free(r);
	}
	g->n_relayed = 0;
}

void propose_installed(struct egroup *g)
{
	struct proposal *p;

	TAILQ_FOREACH (p, &g->proposals, link)
		to_waiting(p);
}

void propose_housekeep(struct egroup *g)
{
	uint64_t now = g->engine->now;
	struct proposal *p, *next;

	for (p = TAILQ_FIRST(&g->proposals); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if (now >= p->deadline)
			fail(g->engine, p,
			     p->tried ? -ETIMEDOUT : -ENETUNREACH);
		else if (p->state == PROPOSAL_FORWARDED && now >= p->retry)
			to_waiting(p);
	}
	if (!TAILQ_EMPTY(&g->waiting))
		engine_mark(g);
}

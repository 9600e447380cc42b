/*
 * Founding a cluster, joining one, letting others in.
 *
 * Found: an authority and a certificate are made, the port is opened, and the
 * agent begins the cluster group. Join: a key is made, a member is asked with
 * the token (it signs, and commits the new node), what it answers is installed,
 * the port is opened, and the agent becomes a member that waits to be filled.
 * Each step can be repeated: what a failed attempt has left is overwritten.
 *
 * Letting in: who has no good token costs us a look at the state and nothing
 * more. The certificate is signed before the node is committed, so a failure to
 * sign uses up no token; it leaves us only if the commit says that the token
 * was good.
 */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cluster/loop/daemon_internal.h"
#include "cluster/net/address.h"
#include "cluster/net/join.h"
#include "cluster/net/pki.h"
#include "fsm/conf/conf.h"
#include "fsm/op/op.h"

#define JOIN_MS	      20000
#define TOKEN_MS      INT64_C(3600000)
#define MAX_STRANGERS 8
#define MAX_ADDRESSES 16

/* A request that works on a thread and then on the loop. */
struct enrol {
	struct daemon *daemon;
	struct arena *arena;
	agent_answer done;
	void *arg;
	const char *name, *cluster_id, *replace;
	bool witness;
	struct doc *addresses; /* our own */
	int64_t lease_ms;      /* init */
	/* join: */
	struct join_token token;
	const char **ask; /* NULL-terminated */
	/* Of the thread: */
	int rc;
	struct err err;
	struct doc *answer;
};

static void enrol_end(struct enrol *e, int code, const char *text)
{
	struct doc *data = doc_map(e->arena);

	e->daemon->enrolling = false;
	doc_put_str(e->arena, data, "id", e->cluster_id);
	world_answer(e->arena, e->done, e->arg, code, text, data);
	arena_free(e->arena);
	free(e);
}

static struct enrol *enrol_new(struct daemon *d, agent_answer done, void *arg)
{
	struct enrol *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	d->enrolling = true;
	*e = (struct enrol){
		.daemon = d, .arena = arena_new(), .done = done, .arg = arg
	};
	return e;
}

/* -- our own addresses -------------------------------------------------- */

static const char *address_doc(struct arena *a, const struct address *at)
{
	return strchr(at->host, ':')
		       ? arena_printf(a, "[%s]:%s", at->host, at->port)
		       : arena_printf(a, "%s:%s", at->host, at->port);
}

static void add_interface(struct arena *a, struct doc *list,
			  const uv_interface_address_t *i, const char *port)
{
	struct address at = { 0 };

	if (i->is_internal || doc_len(list) >= MAX_ADDRESSES)
		return;
	snprintf(at.port, sizeof(at.port), "%s", port);
	if (i->address.address4.sin_family == AF_INET)
		uv_ip4_name(&i->address.address4, at.host, sizeof(at.host));
	else if (!IN6_IS_ADDR_LINKLOCAL(&i->address.address6.sin6_addr))
		uv_ip6_name(&i->address.address6, at.host, sizeof(at.host));
	if (at.host[0])
		doc_add(a, list, doc_str(a, address_doc(a, &at)));
}

/* Where the others reach us if nobody says: where we listen, or else the
 * addresses of this machine. */
static struct doc *own_addresses(const struct daemon *d, struct arena *a)
{
	struct doc *list = doc_list(a);
	uv_interface_address_t *all;
	struct address at;
	int n;

	if (address_parse(d->o->listen, LINK_PORT, &at, NULL) < 0)
		return list;
	if (at.host[0]) {
		doc_add(a, list, doc_str(a, address_doc(a, &at)));
		return list;
	}
	if (uv_interface_addresses(&all, &n) < 0)
		return list;
	for (int i = 0; i < n; i++)
		add_interface(a, list, &all[i], at.port);
	uv_free_interface_addresses(all, n);
	return list;
}

/* As given, with the port that they may lack. */
static int read_addresses(struct arena *a, const struct doc *given,
			  unsigned port, struct doc **ret, struct err *err)
{
	*ret = doc_list(a);
	if (doc_len(given) > MAX_ADDRESSES)
		return err_set(err, -EINVAL, "at most %d addresses",
			       MAX_ADDRESSES);
	for (size_t i = 0; i < doc_len(given); i++) {
		struct address at;
		int rc = address_parse(doc_text(doc_at(given, i), ""), port,
				       &at, err);

		if (rc < 0)
			return rc;
		if (!at.host[0])
			return err_set(err, -EINVAL,
				       "an address needs a host: '%s'",
				       doc_text(doc_at(given, i), ""));
		doc_add(a, *ret, doc_str(a, address_doc(a, &at)));
	}
	return 0;
}

static unsigned own_port(const struct daemon *d)
{
	struct address at;

	if (address_parse(d->o->listen, LINK_PORT, &at, NULL) < 0)
		return LINK_PORT;
	return (unsigned)strtoul(at.port, NULL, 10);
}

static int enrol_addresses(struct enrol *e, const struct doc *given,
			   struct err *err)
{
	if (!doc_len(given)) {
		e->addresses = own_addresses(e->daemon, e->arena);
		return 0;
	}
	return read_addresses(e->arena, given, own_port(e->daemon),
			      &e->addresses, err);
}

/* -- founding ------------------------------------------------------------ */

/* Left by an attempt that was cut short: without an identity it is of no use,
 * and pki_init() would keep it. */
static void forget_certificate(const struct daemon *d)
{
	SCOPED(arena) struct arena *a = arena_new();

	unlink(arena_printf(a, "%s/node.pem", d->pki_dir));
}

static void init_run(void *arg)
{
	struct enrol *e = arg;

	forget_certificate(e->daemon);
	e->rc = pki_init(e->daemon->pki_dir, e->cluster_id, e->daemon->o->node,
			 &e->err);
}

static void init_done(void *arg)
{
	struct enrol *e = arg;
	struct daemon *d = e->daemon;

	if (e->rc == 0 && d->stopping)
		e->rc = err_set(&e->err, -EINTR, "the agent is stopping");
	if (e->rc == 0)
		e->rc = world_open_links(d, 1, e->cluster_id, false, &e->err);
	if (e->rc == 0) {
		const struct agent_founding f = { e->name, e->cluster_id,
						  e->lease_ms, e->addresses };

		e->rc = agent_found(d->agent, clock_ms(), &f, &e->err);
		if (e->rc < 0)
			world_close_links(d);
	}
	if (e->rc == 0)
		report(5, "cluster %s (%s) is founded", e->name, e->cluster_id);
	enrol_end(e, e->rc == 0 ? OP_OK : OP_FAILED,
		  e->rc == 0 ? NULL : e->err.text);
}

static const char *random_id(struct arena *a)
{
	unsigned char b[8];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		abort();
	return arena_printf(a, "%02x%02x%02x%02x%02x%02x%02x%02x", b[0], b[1],
			    b[2], b[3], b[4], b[5], b[6], b[7]);
}

static int lease_check(int64_t ms, struct err *err)
{
	if (ms >= LEASE_MIN_MS && ms <= LEASE_MAX_MS)
		return 0;
	return err_set(err, -EINVAL,
		       "a lease lasts from %d to %d s, not %" PRId64 " ms",
		       LEASE_MIN_MS / 1000, LEASE_MAX_MS / 1000, ms);
}

static void enrol_init(struct daemon *d, const struct doc *req,
		       agent_answer done, void *arg)
{
	struct enrol *e = enrol_new(d, done, arg);
	struct err err;

	e->name =
		arena_printf(e->arena, "%s", doc_get_str(req, "name", "encap"));
	e->cluster_id = random_id(e->arena);
	e->lease_ms = doc_get_int(req, "lease_ms", LEASE_DEFAULT_MS);
	if (name_check(e->name, &err) < 0 ||
	    lease_check(e->lease_ms, &err) < 0 ||
	    enrol_addresses(e, doc_get(req, "addresses"), &err) < 0) {
		enrol_end(e, OP_USAGE, err.text);
		return;
	}
	crew_work(d->crews[CREW_OPS], init_run, init_done, e);
}

/* -- joining --------------------------------------------------------------- */

static int join_check(struct enrol *e, struct err *err)
{
	const struct doc *a = e->answer;

	if (doc_get_int(a, "code", OP_FAILED) != OP_OK)
		return err_set(err, -EACCES, "%s",
			       doc_get_str(a, "err",
					   "refused, without a "
					   "reason"));
	if (e->witness && !doc_get_bool(a, "witness", false))
		return err_set(err, -EPROTO,
			       "the cluster's machines know no witnesses yet: "
			       "upgrade them; then 'encap cluster remove' this "
			       "name on one of them, and join again");
	if (doc_get_int(a, "id", 0) <= 0 || !doc_get_str(a, "cert", NULL) ||
	    !doc_get_str(a, "ca", NULL))
		return err_set(err, -EBADMSG,
			       "the answer lacks what a member needs");
	return 0;
}

static int join_try(struct enrol *e, struct err *err)
{
	struct arena *a = e->arena;
	struct daemon *d = e->daemon;
	struct doc *req = doc_map(a);
	const char *csr;
	int rc = pki_request(a, d->pki_dir, d->o->node, &csr, err);

	if (rc < 0)
		return rc;
	doc_put_str(a, req, "k", "join");
	doc_put_int(a, req, "v", 1);
	doc_put_str(a, req, "token", e->token.secret);
	doc_put_str(a, req, "name", d->o->node);
	doc_put_str(a, req, "csr", csr);
	doc_put_int(a, req, "speaks", STATE_VERSION);
	if (*e->replace)
		doc_put_str(a, req, "replace", e->replace);
	if (e->witness)
		doc_put_bool(a, req, "witness", true);
	doc_put(a, req, "addresses", doc_copy(a, e->addresses));
	rc = join_ask(a, &e->token, e->ask, req, JOIN_MS, &e->answer, err);
	if (rc == 0)
		rc = join_check(e, err);
	if (rc == 0)
		rc = pki_install(
			d->pki_dir, doc_get_str(e->answer, "ca", ""),
			e->witness ? NULL
				   : doc_get_str(e->answer, "ca_key", NULL),
			doc_get_str(e->answer, "cert", ""), err);
	return rc;
}

static void join_run(void *arg)
{
	struct enrol *e = arg;

	forget_certificate(e->daemon);
	e->rc = join_try(e, &e->err);
}

static void join_done(void *arg)
{
	struct enrol *e = arg;
	struct daemon *d = e->daemon;
	uint64_t id = (uint64_t)doc_get_int(e->answer, "id", 0);
	int code = (int)doc_get_int(e->answer, "code", OP_FAILED);

	if (e->rc == 0 && d->stopping)
		e->rc = err_set(&e->err, -EINTR, "the agent is stopping");
	if (e->rc == 0)
		e->rc = world_open_links(d, id, e->cluster_id, e->witness,
					 &e->err);
	if (e->rc == 0) {
		if (e->witness)
			agent_be_witness(d->agent);
		e->rc = agent_joined(d->agent, clock_ms(), id, e->cluster_id,
				     &e->err);
		if (e->rc < 0)
			world_close_links(d);
	}
	if (e->rc == 0) {
		world_set_peers(
			d, doc_get(doc_get(e->answer, "cluster"), "nodes"));
		report(5, "member %llu of cluster %s", (unsigned long long)id,
		       e->cluster_id);
	}
	enrol_end(e,
		  e->rc == 0 ? OP_OK
		  : code > 0 ? code
			     : OP_FAILED,
		  e->rc == 0 ? NULL : e->err.text);
}

static int join_arguments(struct enrol *e, const struct doc *req,
			  struct err *err)
{
	struct doc *ask;
	int rc = join_token_parse(e->arena, doc_get_str(req, "token", ""),
				  &e->token, err);

	if (rc == 0)
		rc = read_addresses(e->arena, doc_get(req, "addresses"),
				    LINK_PORT, &ask, err);
	if (rc == 0)
		rc = enrol_addresses(e, doc_get(req, "self"), err);
	if (rc < 0)
		return rc;
	if (!doc_len(ask))
		return err_set(err, -EINVAL, "no address of a member is given");
	e->cluster_id = e->token.cluster_id;
	e->replace = doc_get_str(req, "replace", "");
	e->witness = doc_get_bool(req, "witness", false);
	e->ask = ARENA_VEC(e->arena, const char *, doc_len(ask) + 1);
	for (size_t i = 0; i < doc_len(ask); i++)
		e->ask[i] = doc_text(doc_at(ask, i), "");
	return 0;
}

static void enrol_join(struct daemon *d, const struct doc *req,
		       agent_answer done, void *arg)
{
	struct enrol *e = enrol_new(d, done, arg);
	struct err err;

	if (join_arguments(e, doc_copy(e->arena, req), &err) < 0) {
		enrol_end(e, OP_USAGE, err.text);
		return;
	}
	crew_work(d->crews[CREW_OPS], join_run, join_done, e);
}

/* -- tokens ------------------------------------------------------------------
 */

struct token_ask {
	struct arena *arena;
	const char *text;
	int64_t expires;
	agent_answer done;
	void *arg;
};

static void on_token_added(void *arg, struct arena *a, struct doc *result)
{
	struct token_ask *t = arg;
	struct doc *data = doc_map(a);

	if (doc_get_int(result, "code", OP_FAILED) == OP_OK) {
		doc_put_str(a, data, "token", t->text);
		doc_put_int(a, data, "expires", t->expires);
		doc_put(a, result, "data", data);
	}
	t->done(t->arg, a, result);
	arena_free(t->arena);
	free(t);
}

static int token_make(struct daemon *d, struct token_ask *t,
		      const char **ret_hash, struct err *err)
{
	const char *id =
		doc_get_str(agent_identity(d->agent), "cluster_id", "");
	const char *ca, *fingerprint;
	int rc = pki_read(t->arena, d->pki_dir, "ca.pem", &ca, err);

	if (rc == 0)
		rc = pki_fingerprint(t->arena, ca, &fingerprint, err);
	if (rc == 0)
		rc = join_token_new(t->arena, id, fingerprint, &t->text,
				    ret_hash, err);
	return rc;
}

static void enrol_token(struct daemon *d, struct arena *a,
			const struct doc *req, agent_answer done, void *arg)
{
	struct token_ask *t = calloc(1, sizeof(*t));
	struct doc *add = doc_map(a);
	const char *hash;
	struct err err;

	if (!t)
		abort();
	*t = (struct token_ask){ .arena = arena_new(),
				 .expires = clock_wall_ms() + TOKEN_MS,
				 .done = done,
				 .arg = arg };
	if (token_make(d, t, &hash, &err) < 0) {
		world_answer(a, done, arg, OP_FAILED, err.text, NULL);
		arena_free(t->arena);
		free(t);
		return;
	}
	doc_put_str(a, add, "op", "token_add");
	doc_put_str(a, add, "hash", hash);
	doc_put_int(a, add, "expires", t->expires);
	if (doc_get(req, "by"))
		doc_put(a, add, "by", doc_copy(a, doc_get(req, "by")));
	agent_request(d->agent, clock_ms(), add, on_token_added, t);
}

bool enrol_request(struct daemon *d, struct arena *a, struct doc *req,
		   agent_answer done, void *arg)
{
	const char *op = doc_get_str(req, "op", "");
	const struct doc *id = agent_identity(d->agent);
	bool init = strcmp(op, "cluster_init") == 0;
	bool join = strcmp(op, "cluster_join") == 0;

	if (strcmp(op, "cluster_token") == 0 && id) {
		if (strcmp(doc_get_str(id, "level", ""), "hypervisor") == 0)
			enrol_token(d, a, req, done, arg);
		else
			world_answer(
				a, done, arg, OP_USAGE,
				"this is a container: tokens are made on its "
				"hypervisors",
				NULL);
		return true;
	}
	if (!init && !join)
		return false;
	if (id)
		world_answer(
			a, done, arg, OP_CONFLICT,
			strcmp(doc_get_str(id, "level", ""), "encap") == 0
				? "this is a container: its hypervisor's "
				  "cluster is its own"
				: "this node is a member of a cluster already",
			NULL);
	else if (d->enrolling)
		world_answer(a, done, arg, OP_CONFLICT,
			     "a cluster is being founded or joined just now",
			     NULL);
	else if (init)
		enrol_init(d, req, done, arg);
	else
		enrol_join(d, req, done, arg);
	return true;
}

/* -- letting in
 * ---------------------------------------------------------------- */

struct stranger {
	struct daemon *daemon;
	struct arena *arena;
	uint64_t who;
	const char *name, *csr, *hash, *cluster_id, *replace;
	bool witness;
	int64_t speaks;
	struct doc *addresses;
	int rc;
	struct err err;
	const char *cert, *cert_hash, *ca, *ca_key;
	struct doc *nodes;
};

static void stranger_end(struct stranger *s, struct doc *result)
{
	struct daemon *d = s->daemon;

	if (d->links)
		links_answer(d->links, s->who, s->arena, result);
	d->strangers--;
	arena_free(s->arena);
	free(s);
}

static void stranger_refuse(struct stranger *s, int code, const char *why)
{
	struct doc *r = doc_map(s->arena);

	doc_put_int(s->arena, r, "code", code);
	doc_put_str(s->arena, r, "err", why);
	/* The name is what it says: another one is no other reason. */
	if (!quiet_about(&s->daemon->stranger_said, clock_ms(), why))
		report(4, "%.64s may not join: %s", s->name, why);
	stranger_end(s, r);
}

static void on_nodes(void *arg, struct arena *a, struct doc *result)
{
	struct stranger *s = arg;
	const struct doc *nodes = doc_get(doc_get(result, "data"), "nodes");

	(void)a;
	s->nodes = nodes ? doc_copy(s->arena, nodes) : doc_list(s->arena);
}

static void on_node_joined(void *arg, struct arena *answer_arena,
			   struct doc *result)
{
	struct stranger *s = arg;
	struct arena *a = s->arena;
	struct doc *r, *cluster, *req;
	int64_t id = doc_get_int(doc_get(result, "data"), "id", 0);
	int code = (int)doc_get_int(result, "code", OP_FAILED);

	(void)answer_arena;
	if (code != OP_OK) {
		stranger_refuse(s, code, doc_get_str(result, "err", "?"));
		return;
	}
	req = doc_map(a);
	doc_put_str(a, req, "op", "node_ls");
	agent_request(s->daemon->agent, clock_ms(), req, on_nodes, s);
	r = doc_map(a);
	doc_put_int(a, r, "code", OP_OK);
	doc_put_int(a, r, "id", id);
	doc_put_str(a, r, "cert", s->cert);
	doc_put_str(a, r, "ca", s->ca);
	if (s->witness)
		doc_put_bool(a, r, "witness", true);
	else
		doc_put_str(a, r, "ca_key", s->ca_key);
	cluster = doc_put(a, r, "cluster", doc_map(a));
	doc_put_str(a, cluster, "id", s->cluster_id);
	doc_put(a, cluster, "nodes", s->nodes);
	report(5, "%s joins, as member %lld", s->name, (long long)id);
	stranger_end(s, r);
}

static void sign_run(void *arg)
{
	struct stranger *s = arg;
	const char *dir = s->daemon->pki_dir;

	s->rc = pki_sign(s->arena, dir, s->cluster_id, s->csr, s->name,
			 &s->cert, &s->err);
	if (s->rc == 0)
		s->rc = pki_fingerprint(s->arena, s->cert, &s->cert_hash,
					&s->err);
	if (s->rc == 0)
		s->rc = pki_read(s->arena, dir, "ca.pem", &s->ca, &s->err);
	if (s->rc == 0)
		s->rc = pki_read(s->arena, dir, "ca.key", &s->ca_key, &s->err);
}

static void sign_done(void *arg)
{
	struct stranger *s = arg;
	struct arena *a = s->arena;
	struct doc *req;

	if (s->rc < 0) {
		stranger_refuse(s, OP_FAILED, s->err.text);
		return;
	}
	req = doc_map(a);
	doc_put_str(a, req, "op", "node_join");
	doc_put_str(a, req, "hash", s->hash);
	doc_put_str(a, req, "name", s->name);
	doc_put_str(a, req, "cert", s->cert_hash);
	doc_put_int(a, req, "speaks", s->speaks);
	if (*s->replace)
		doc_put_str(a, req, "replace", s->replace);
	if (s->witness)
		doc_put_bool(a, req, "witness", true);
	doc_put(a, req, "addresses", s->addresses);
	agent_request(s->daemon->agent, clock_ms(), req, on_node_joined, s);
}

static void on_token_checked(void *arg, struct arena *a, struct doc *result)
{
	struct stranger *s = arg;
	int code = (int)doc_get_int(result, "code", OP_FAILED);

	(void)a;
	if (code != OP_OK)
		stranger_refuse(s, code, doc_get_str(result, "err", "?"));
	else
		crew_work(s->daemon->crews[CREW_OPS], sign_run, sign_done, s);
}

static void stranger_check(struct stranger *s)
{
	struct doc *req = doc_map(s->arena);

	doc_put_str(s->arena, req, "op", "token_check");
	doc_put_str(s->arena, req, "hash", s->hash);
	agent_request(s->daemon->agent, clock_ms(), req, on_token_checked, s);
}

static int stranger_read(struct stranger *s, const struct doc *frame,
			 struct err *err)
{
	s->name = doc_get_str(frame, "name", "");
	s->csr = doc_get_str(frame, "csr", "");
	s->replace = doc_get_str(frame, "replace", "");
	s->witness = doc_get_bool(frame, "witness", false);
	s->speaks = doc_get_int(frame, "speaks", 1);
	s->hash = join_secret_hash(s->arena, doc_get_str(frame, "token", ""));
	s->cluster_id =
		arena_printf(s->arena, "%s",
			     doc_get_str(agent_identity(s->daemon->agent),
					 "cluster_id", ""));
	if (strcmp(doc_get_str(frame, "k", ""), "join") != 0 ||
	    doc_get_int(frame, "v", 0) != 1)
		return err_set(err, -EPROTO,
			       "this is no request of version 1 to join");
	if (name_check(s->name, err) < 0)
		return err_wrap(err, err->code, "node name");
	if (s->daemon->strangers > MAX_STRANGERS)
		return err_set(err, -EBUSY,
			       "%d nodes are joining just now: try again",
			       MAX_STRANGERS);
	return read_addresses(s->arena, doc_get(frame, "addresses"), LINK_PORT,
			      &s->addresses, err);
}

void enrol_stranger(void *data, uint64_t who, struct arena *a,
		    struct doc *frame)
{
	struct daemon *d = data;
	struct stranger *s = calloc(1, sizeof(*s));
	struct err err;

	(void)a;
	if (!s)
		abort();
	d->strangers++;
	*s = (struct stranger){
		.daemon = d, .arena = arena_new(), .who = who, .name = ""
	};
	if (stranger_read(s, doc_copy(s->arena, frame), &err) < 0)
		stranger_refuse(s, OP_USAGE, err.text);
	else
		stranger_check(s);
}

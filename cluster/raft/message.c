/*
 * Debian builds libraft without its assertions, so what a peer says must be
 * made sense of here: a term of 0 behind a non-zero index, entries whose terms
 * go down, a member list that ends too early would all be believed. Numbers
 * travel as they are; 64-bit ones that do not fit an int64_t are refused.
 *
 *   k    message               carries
 *   ae   AppendEntries         t pi pt lc e[term type data ...] st q sl hm
 *   ar   its result            t rj li st (echoed)
 *   rv   RequestVote           t ci li lt dl pv
 *   rr   its result            t g pv
 *   is   InstallSnapshot       t li lt ci cf sz st
 *   tn   TimeoutNow            t li lt
 *
 * Of an "ae" with sl the entries are sealed; hm is for a witness (witness.c).
 * One with q wants no result: it only tells what is committed. The data of
 * a snapshot does not travel in "is": see transfer.c.
 */
#include <errno.h>
#include <string.h>

#include "cluster/raft/internal.h"

/* As libraft itself sends them. */
enum {
	VERSION_VOTE = 2,
	VERSION_VOTE_RESULT = 2,
	VERSION_APPEND_RESULT = 2,
	FEATURE_CAPACITY = 1,
	CAPACITY = 65535, /* we bound space in our own way */
};

static void put_u64(struct arena *a, struct doc *d, const char *key,
		    uint64_t value)
{
	doc_put_int(a, d, key, (int64_t)value);
}

static struct doc *encode_new(struct arena *a, const char *kind, uint64_t term)
{
	struct doc *d = doc_map(a);

	doc_put_str(a, d, "k", kind);
	put_u64(a, d, "t", term);
	return d;
}

static struct doc *encode_append(struct egroup *g, struct arena *a, uint64_t to,
				 const struct raft_append_entries *m)
{
	struct doc *d = encode_new(a, "ae", m->term);
	struct doc *list = doc_list(a);

	put_u64(a, d, "pi", m->prev_log_index);
	put_u64(a, d, "pt", m->prev_log_term);
	put_u64(a, d, "lc", m->leader_commit);
	put_u64(a, d, "st", g->engine->now);
	for (unsigned i = 0; i < m->n_entries; i++) {
		const struct raft_log_entry *e =
			glog_get(&g->log, m->prev_log_index + 1 + i);

		struct doc *data;

		if (!e)
			return NULL;
		data = witness_seal(g, a, to, m->prev_log_index + 1 + i, e);
		if (!data)
			return NULL;
		doc_add(a, list, doc_int(a, (int64_t)e->term));
		doc_add(a, list, doc_int(a, e->type));
		doc_add(a, list, data);
	}
	if (g->engine->witness)
		doc_put_bool(a, d, "sl", true);
	else if (witness_is(g, to))
		put_u64(a, d, "hm", witness_all_have(g));
	if (m->n_entries)
		doc_put(a, d, "e", list);
	return d;
}

static struct doc *
encode_append_result(const struct egroup *g, struct arena *a,
		     const struct raft_append_entries_result *m)
{
	struct doc *d = encode_new(a, "ar", m->term);
	uint64_t last = glog_last(&g->log);

	put_u64(a, d, "rj", m->rejected);
	/* libraft leaves it unset in some refusals. */
	put_u64(a, d, "li",
		m->last_log_index < last ? m->last_log_index : last);
	if (g->leader_st_term == m->term)
		put_u64(a, d, "st", g->leader_st);
	return d;
}

static struct doc *encode_vote(struct arena *a,
			       const struct raft_request_vote *m)
{
	struct doc *d = encode_new(a, "rv", m->term);

	put_u64(a, d, "ci", m->candidate_id);
	put_u64(a, d, "li", m->last_log_index);
	put_u64(a, d, "lt", m->last_log_term);
	doc_put_bool(a, d, "dl", m->disrupt_leader);
	doc_put_bool(a, d, "pv", m->pre_vote);
	return d;
}

static struct doc *encode_vote_result(struct arena *a,
				      const struct raft_request_vote_result *m)
{
	struct doc *d = encode_new(a, "rr", m->term);

	doc_put_bool(a, d, "g", m->vote_granted);
	doc_put_bool(a, d, "pv", m->pre_vote);
	return d;
}

static struct doc *encode_install(const struct egroup *g, struct arena *a,
				  const struct raft_install_snapshot *m)
{
	struct doc *d;

	if (!g->snap.index || g->snap.index != m->last_index ||
	    g->engine->witness)
		return NULL;
	d = encode_new(a, "is", m->term);
	put_u64(a, d, "li", g->snap.index);
	put_u64(a, d, "lt", g->snap.term);
	put_u64(a, d, "ci", g->snap.conf_index);
	put_u64(a, d, "sz", g->snap.size);
	put_u64(a, d, "st", g->engine->now);
	doc_put_bin(a, d, "cf", g->snap.conf, g->snap.conf_len);
	return d;
}

static struct doc *encode_timeout(struct arena *a,
				  const struct raft_timeout_now *m)
{
	struct doc *d = encode_new(a, "tn", m->term);

	put_u64(a, d, "li", m->last_log_index);
	put_u64(a, d, "lt", m->last_log_term);
	return d;
}

struct doc *message_encode(struct egroup *g, struct arena *a,
			   const struct raft_message *m)
{
	switch (m->type) {
	case RAFT_APPEND_ENTRIES:
		return encode_append(g, a, m->server_id, &m->append_entries);
	case RAFT_APPEND_ENTRIES_RESULT:
		return encode_append_result(g, a, &m->append_entries_result);
	case RAFT_REQUEST_VOTE:
		return encode_vote(a, &m->request_vote);
	case RAFT_REQUEST_VOTE_RESULT:
		return encode_vote_result(a, &m->request_vote_result);
	case RAFT_INSTALL_SNAPSHOT:
		return encode_install(g, a, &m->install_snapshot);
	case RAFT_TIMEOUT_NOW:
		return encode_timeout(a, &m->timeout_now);
	}
	return NULL;
}

/* What is read from one message; the first thing wrong is remembered. */
struct reading {
	const struct doc *msg;
	const char *bad; /* the key */
};

static uint64_t get_u64(struct reading *r, const char *key)
{
	const struct doc *d = doc_get(r->msg, key);

	if (d && d->type == DOC_INT && d->num >= 0)
		return (uint64_t)d->num;
	if (!r->bad)
		r->bad = key;
	return 0;
}

/* Ids may use all 64 bits. */
static uint64_t get_id(struct reading *r, const char *key)
{
	const struct doc *d = doc_get(r->msg, key);

	if (d && d->type == DOC_INT && d->num != 0)
		return (uint64_t)d->num;
	if (!r->bad)
		r->bad = key;
	return 0;
}

static bool get_bool(struct reading *r, const char *key)
{
	const struct doc *d = doc_get(r->msg, key);

	if (d && d->type == DOC_BOOL)
		return d->yes;
	if (!r->bad)
		r->bad = key;
	return false;
}

static void check(struct reading *r, bool ok, const char *key)
{
	if (!ok && !r->bad)
		r->bad = key;
}

static uint64_t member_u64(const unsigned char *p)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < 8; i++)
		n |= (uint64_t)p[i] << (8 * i);
	return n;
}

int message_check_configuration(const void *data, size_t len)
{
	struct raft_buffer buf = { (void *)(uintptr_t)data, len };
	const unsigned char *p = data, *end = p + len;
	struct raft_configuration c;
	uint64_t n;

	/* libraft's decoder trusts the count: walk it first. */
	if (len < 9 || len > MAX_COMMAND || p[0] != 1)
		return -EBADMSG;
	n = member_u64(p + 1);
	if (n == 0 || n > MAX_MEMBERS)
		return -EBADMSG;
	p += 9;
	for (uint64_t i = 0; i < n; i++) {
		const unsigned char *nul;

		if (end - p < 10 || member_u64(p) == 0)
			return -EBADMSG;
		p += 8;
		nul = memchr(p, 0, (size_t)(end - p));
		if (!nul || nul - p > MAX_ADDRESS || nul + 1 == end)
			return -EBADMSG;
		p = nul + 2;
	}
	/* It checks roles and duplicates, and cleans up after itself. */
	if (raft_configuration_decode(&buf, &c) != 0)
		return -EBADMSG;
	raft_configuration_close(&c);
	return 0;
}

static void decode_entry(struct reading *r, const struct doc *list, size_t i,
			 struct raft_entry *ret)
{
	const struct doc *term = doc_at(list, 3 * i);
	const struct doc *type = doc_at(list, 3 * i + 1);
	const struct doc *data = doc_at(list, 3 * i + 2);

	check(r,
	      term->type == DOC_INT && term->num > 0 && type->type == DOC_INT &&
		      type->num >= RAFT_COMMAND && type->num <= RAFT_CHANGE &&
		      data->type == DOC_BIN && data->str.len <= 1 << 20,
	      "e");
	if (r->bad)
		return;
	*ret = (struct raft_entry){
		.term = (raft_term)term->num,
		.type = (enum raft_entry_type)type->num,
		.buf = { (void *)(uintptr_t)data->str.data, data->str.len },
	};
	if (ret->type == RAFT_CHANGE)
		check(r,
		      message_check_configuration(data->str.data,
						  data->str.len) == 0,
		      "e");
}

static void decode_append(struct reading *r, struct arena *a,
			  struct message *ret)
{
	struct raft_append_entries *m = &ret->raft.append_entries;
	const struct doc *list = doc_get(r->msg, "e");
	size_t n = doc_len(list) / 3;
	raft_term term;

	m->term = get_u64(r, "t");
	m->prev_log_index = get_u64(r, "pi");
	m->prev_log_term = get_u64(r, "pt");
	m->leader_commit = get_u64(r, "lc");
	ret->sent_ms = get_u64(r, "st");
	ret->quiet = doc_get_bool(r->msg, "q", false);
	check(r, m->term > 0 && m->prev_log_term <= m->term, "t");
	check(r, (m->prev_log_index == 0) == (m->prev_log_term == 0), "pt");
	check(r,
	      (!list || list->type == DOC_LIST) && doc_len(list) % 3 == 0 &&
		      n <= APPEND_ENTRIES,
	      "e");
	if (r->bad)
		return;
	ret->entries = ARENA_VEC(a, struct raft_entry, n + 1);
	term = m->prev_log_term;
	for (size_t i = 0; i < n && !r->bad; i++) {
		decode_entry(r, list, i, &ret->entries[i]);
		check(r,
		      ret->entries[i].term >= term &&
			      ret->entries[i].term <= m->term,
		      "e");
		term = ret->entries[i].term;
	}
	m->entries = ret->entries;
	m->n_entries = (unsigned)n;
}

static void decode_append_result(struct reading *r, struct message *ret)
{
	struct raft_append_entries_result *m = &ret->raft.append_entries_result;

	m->version = VERSION_APPEND_RESULT;
	m->term = get_u64(r, "t");
	m->rejected = get_u64(r, "rj");
	m->last_log_index = get_u64(r, "li");
	m->features = FEATURE_CAPACITY;
	m->capacity = CAPACITY;
	if (doc_get(r->msg, "st"))
		ret->sent_ms = get_u64(r, "st");
	check(r, m->term > 0, "t");
}

static void decode_vote(struct reading *r, struct message *ret)
{
	struct raft_request_vote *m = &ret->raft.request_vote;

	m->version = VERSION_VOTE;
	m->term = get_u64(r, "t");
	m->candidate_id = get_id(r, "ci");
	m->last_log_index = get_u64(r, "li");
	m->last_log_term = get_u64(r, "lt");
	m->disrupt_leader = get_bool(r, "dl");
	m->pre_vote = get_bool(r, "pv");
	check(r, m->term > 0 && m->last_log_term <= m->term, "t");
	check(r, m->candidate_id == ret->raft.server_id, "ci");
	check(r, (m->last_log_index == 0) == (m->last_log_term == 0), "lt");
}

static void decode_vote_result(struct reading *r, struct message *ret)
{
	struct raft_request_vote_result *m = &ret->raft.request_vote_result;

	m->version = VERSION_VOTE_RESULT;
	m->term = get_u64(r, "t");
	m->vote_granted = get_bool(r, "g");
	m->pre_vote = get_bool(r, "pv");
	m->features = FEATURE_CAPACITY;
	m->capacity = CAPACITY;
	check(r, m->term > 0, "t");
}

static void decode_install(struct reading *r, struct message *ret)
{
	struct raft_install_snapshot *m = &ret->raft.install_snapshot;
	const struct doc *conf = doc_get(r->msg, "cf");

	m->term = get_u64(r, "t");
	m->last_index = get_u64(r, "li");
	m->last_term = get_u64(r, "lt");
	m->conf_index = get_u64(r, "ci");
	ret->size = get_u64(r, "sz");
	ret->sent_ms = get_u64(r, "st");
	check(r, m->term > 0, "t");
	check(r, m->last_index > 0, "li");
	check(r, m->last_term > 0 && m->last_term <= m->term, "lt");
	check(r, m->conf_index > 0 && m->conf_index <= m->last_index, "ci");
	check(r, ret->size > 0 && ret->size <= MAX_SNAPSHOT, "sz");
	check(r,
	      conf && conf->type == DOC_BIN &&
		      message_check_configuration(conf->str.data,
						  conf->str.len) == 0,
	      "cf");
	if (r->bad)
		return;
	ret->conf = conf->str.data;
	ret->conf_len = conf->str.len;
}

static void decode_timeout(struct reading *r, struct message *ret)
{
	struct raft_timeout_now *m = &ret->raft.timeout_now;

	m->term = get_u64(r, "t");
	m->last_log_index = get_u64(r, "li");
	m->last_log_term = get_u64(r, "lt");
	check(r, m->term > 0 && m->last_log_term <= m->term, "t");
}

static enum raft_message_type message_type(const char *kind)
{
	static const struct {
		const char *kind;
		enum raft_message_type type;
	} rows[] = {
		{ "ae", RAFT_APPEND_ENTRIES },
		{ "ar", RAFT_APPEND_ENTRIES_RESULT },
		{ "rv", RAFT_REQUEST_VOTE },
		{ "rr", RAFT_REQUEST_VOTE_RESULT },
		{ "is", RAFT_INSTALL_SNAPSHOT },
		{ "tn", RAFT_TIMEOUT_NOW },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(kind, rows[i].kind) == 0)
			return rows[i].type;
	return (enum raft_message_type)0;
}

bool message_is_raft(const char *kind)
{
	return message_type(kind) != 0;
}

int message_decode(struct arena *a, uint64_t from, const struct doc *msg,
		   struct message *ret, struct err *err)
{
	const char *kind = doc_get_str(msg, "k", "");
	struct reading r = { .msg = msg };

	*ret = (struct message){ 0 };
	ret->raft.type = message_type(kind);
	ret->raft.server_id = from;
	ret->raft.server_address = "";
	switch ((int)ret->raft.type) {
	case RAFT_APPEND_ENTRIES:
		decode_append(&r, a, ret);
		break;
	case RAFT_APPEND_ENTRIES_RESULT:
		decode_append_result(&r, ret);
		break;
	case RAFT_REQUEST_VOTE:
		decode_vote(&r, ret);
		break;
	case RAFT_REQUEST_VOTE_RESULT:
		decode_vote_result(&r, ret);
		break;
	case RAFT_INSTALL_SNAPSHOT:
		decode_install(&r, ret);
		break;
	case RAFT_TIMEOUT_NOW:
		decode_timeout(&r, ret);
		break;
	default:
		return err_set(err, -EBADMSG, "a message of kind '%.16s'",
			       kind);
	}
	if (!from)
		return err_set(err, -EBADMSG, "a message from nobody");
	if (r.bad)
		return err_set(err, -EBADMSG, "message '%s': field '%s'", kind,
			       r.bad);
	return 0;
}

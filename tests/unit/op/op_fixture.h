/*
 * op_fixture - commands as text, applied to a real database, and what is in
 * it afterwards.
 *
 * A command: "OP KEY=VALUE ...". A value: a number, true, false, a word, a
 * text in quotes ('|' in it is a line's end), {KEY=VALUE ...}, [VALUE ...], or
 * @N for N zeros and ones. Several commands are separated by ';'.
 *
 * What is expected: "TABLE KEY [KEY2] PATH=TEXT" or "no TABLE KEY [KEY2]",
 * separated by ';', where PATH is of dots and TEXT is as doc_json() shows it
 * (without quotes), and TABLE is one of cluster, node (by name), token,
 * service, assign, instance, order, member, draft, events (PATH is the last
 * one's).
 */
#pragma once

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "fsm/op/op.h"
#include "tests/lib/table.h"

#include <sys/stat.h>

#include "tests/unit/store/tmpdir.h"

/* -- text into documents ------------------------------------------------- */

struct op_text {
	struct arena *a;
	const char *at;
};

static inline void op_text_blank(struct op_text *t)
{
	while (isspace((unsigned char)*t->at))
		t->at++;
}

static inline char *op_text_word(struct op_text *t, const char *ends)
{
	size_t n = strcspn(t->at, ends);
	char *w = arena_printf(t->a, "%.*s", (int)n, t->at);

	t->at += n;
	return w;
}

static inline struct doc *op_text_value(struct op_text *t);

static inline struct doc *op_text_pairs(struct op_text *t, struct doc *map,
					char end)
{
	for (;;) {
		const char *key;

		op_text_blank(t);
		if (*t->at == end || !*t->at || *t->at == ';')
			break;
		key = op_text_word(t, "=");
		t->at++;
		doc_put(t->a, map, key, op_text_value(t));
	}
	if (*t->at == end && end)
		t->at++;
	return map;
}

static inline struct doc *op_text_list(struct op_text *t)
{
	struct doc *list = doc_list(t->a);

	for (op_text_blank(t); *t->at && *t->at != ']'; op_text_blank(t))
		doc_add(t->a, list, op_text_value(t));
	t->at++;
	return list;
}

static inline struct doc *op_text_quoted(struct op_text *t)
{
	char *text;

	t->at++;
	text = op_text_word(t, "'");
	t->at++;
	for (char *p = text; *p; p++)
		if (*p == '|')
			*p = '\n';
	return doc_str(t->a, text);
}

static inline struct doc *op_text_value(struct op_text *t)
{
	char *word;

	switch (*t->at) {
	case '{':
		t->at++;
		return op_text_pairs(t, doc_map(t->a), '}');
	case '[':
		t->at++;
		return op_text_list(t);
	case '\'':
		return op_text_quoted(t);
	default:
		break;
	}
	word = op_text_word(t, " ;]}");
	if (*word == '@') {
		size_t n = strtoul(word + 1, NULL, 10);
		char *text = arena_alloc(t->a, n + 1);

		memset(text, '0', n);
		return doc_str(t->a, text);
	}
	if (*word == '!') /* bytes */
		return doc_bin(t->a, word + 1, strlen(word + 1));
	if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
		return doc_bool(t->a, *word == 't');
	if (*word && word[strspn(word, "-0123456789")] == '\0')
		return doc_int(t->a, atoll(word));
	return doc_str(t->a, word);
}

/* The next command of a text, or NULL. */
static inline struct doc *op_text_command(struct op_text *t)
{
	struct doc *by = doc_map(t->a), *cmd;

	for (op_text_blank(t); *t->at == ';'; op_text_blank(t))
		t->at++;
	if (!*t->at)
		return NULL;
	doc_put_str(t->a, by, "user", "ann");
	doc_put_str(t->a, by, "node", "hv1");
	cmd = op_new(t->a, op_text_word(t, " ;"), 1000, by);
	return op_text_pairs(t, cmd, '\0');
}

/* -- the database ---------------------------------------------------------- */

struct op_fixture {
	struct tmpdir tmp;
	struct db *db;
	struct arena *a;
	uint64_t group; /* each test has one of its own */
	int64_t sq;
};

static inline void op_fixture_init(struct op_fixture *f)
{
	struct db_options o = { .boot_id = "boot" };
	struct err err;
	char dir[300];

	tmpdir_make(&f->tmp);
	snprintf(dir, sizeof(dir), "%s/db", f->tmp.path);
	o.dir = dir;
	if (db_open(&f->db, &o, &err) < 0)
		fail_msg("%s", err.text);
	f->group = 1;
	f->sq = 0;
}

static inline void op_fixture_fini(struct op_fixture *f)
{
	db_close(f->db, true);
	tmpdir_remove(&f->tmp);
}

/* A look at what is there, until txn_abort(look.t). */
struct op_look {
	struct txn *t;
	struct state s;
};

static inline struct op_look op_look(struct op_fixture *f)
{
	struct op_look l = { .t = txn_begin_read(f->db, NULL) };

	assert_non_null(l.t);
	l.s = (struct state){ l.t, f->group, f->a };
	return l;
}

static inline struct txn *op_write(struct op_fixture *f)
{
	struct err err;
	struct txn *t = txn_begin_write(f->db, &err);

	if (!t)
		fail_msg("%s", err.text);
	return t;
}

static inline void op_commit(struct txn *t)
{
	struct err err;

	if (txn_commit(t, &err) < 0)
		fail_msg("%s", err.text);
}

/* As it is, without a client unless it names one. */
static inline struct doc *op_do(struct op_fixture *f, const struct doc *cmd)
{
	struct txn *t = op_write(f);
	struct doc *r = op_apply(f->a, t, f->group, cmd);

	op_commit(t);
	return r;
}

static inline int op_code_of(const struct doc *result)
{
	return (int)doc_get_int(result, "code", -1);
}

/* All of them, each of which must go well. The last one's result. */
static inline struct doc *op_do_text(struct op_fixture *f, const char *text)
{
	struct op_text t = { f->a, text };
	struct doc *cmd, *r = NULL;

	while ((cmd = op_text_command(&t))) {
		r = op_do(f, cmd);
		if (op_code_of(r) != OP_OK)
			fail_msg("%s: %s", doc_get_str(cmd, "op", ""),
				 doc_get_str(r, "err", ""));
	}
	return r;
}

static inline uint64_t op_digest(struct op_fixture *f)
{
	struct op_look l = op_look(f);
	uint64_t d = txn_digest(l.t, f->group);

	txn_abort(l.t);
	return d;
}

/* -- what is there -----------------------------------------------------------
 */

static inline struct doc *op_row(struct state *s, const char *table,
				 const char *k, const char *k2)
{
	struct state_key key = state_key(k, NULL);
	struct doc *events;

	if (strcmp(table, "cluster") == 0)
		return state_cluster(s);
	if (strcmp(table, "node") == 0)
		return state_node_named(s, k);
	if (strcmp(table, "token") == 0)
		return state_row(s, TABLE_TOKEN, &key);
	if (strcmp(table, "service") == 0)
		return state_service(s, k);
	if (strcmp(table, "assign") == 0)
		return state_assign(s, k, k2);
	if (strcmp(table, "instance") == 0)
		return state_instance(s, k, k2);
	if (strcmp(table, "order") == 0)
		return state_order(s, k, k2);
	if (strcmp(table, "secret") == 0)
		return doc_get(state_secrets(s, k), k2);
	if (strcmp(table, "draft") == 0)
		return state_draft(s, k, k2);
	if (strcmp(table, "member") == 0)
		return state_member(s, k);
	if (strcmp(table, "head") == 0)
		return state_revision(
			s, k, doc_get_str(state_service(s, k), "head", ""));
	assert_string_equal(table, "events");
	events = state_events(s, 0, STATE_EVENTS_KEPT);
	return doc_len(events) ? doc_at(events, doc_len(events) - 1) : NULL;
}

static inline struct doc *op_path(struct arena *a, struct doc *d,
				  const char *path)
{
	char *copy = arena_printf(a, "%s", path), *save = NULL;

	for (char *p = strtok_r(copy, ".", &save); p && d;
	     p = strtok_r(NULL, ".", &save))
		d = isdigit((unsigned char)*p) ? doc_at(d, strtoul(p, NULL, 10))
					       : doc_get(d, p);
	return d;
}

static inline const char *op_shown(struct arena *a, const struct doc *d)
{
	struct buf b = BUF(a);

	if (!d)
		return "(none)";
	if (d->type == DOC_STR)
		return d->str.data;
	doc_json(&b, d, 0);
	return buf_text(&b);
}

/* One expectation, its words taken apart. */
static inline void op_expect_one(struct op_fixture *f, const char *text)
{
	struct op_look l = op_look(f);
	char *copy = arena_printf(f->a, "%s", text), *save = NULL;
	const char *w[5] = { "", "", "", "", "" };
	char *eq = strchr(copy, '=');
	size_t n = 0;
	bool no;
	const char *got;

	if (eq)
		*eq++ = '\0';
	for (char *p = strtok_r(copy, " ", &save); p && n < 5;
	     p = strtok_r(NULL, " ", &save))
		w[n++] = p;
	no = strcmp(w[0], "no") == 0;
	if (no) {
		if (op_row(&l.s, w[1], w[2], w[3]))
			fail_msg("there is: %s", text);
	} else {
		got = op_shown(f->a, op_path(f->a,
					     op_row(&l.s, w[0], w[1],
						    n > 3 ? w[2] : ""),
					     w[n - 1]));
		if (strcmp(got, eq) != 0)
			fail_msg("expected %s, it is '%s'", text, got);
	}
	txn_abort(l.t);
}

static inline void op_expect(struct op_fixture *f, const char *text)
{
	char *copy = arena_printf(f->a, "%s", text), *save = NULL;

	for (char *p = strtok_r(copy, ";", &save); p;
	     p = strtok_r(NULL, ";", &save)) {
		while (*p == ' ' || *p == '\n')
			p++;
		if (*p)
			op_expect_one(f, p);
	}
}

/* -- a group and an arena for each test of a program ------------------------
 */

static inline int op_test_begin(void **state)
{
	struct op_fixture *f = *state;

	f->a = arena_new();
	f->group++;
	return 0;
}

static inline int op_test_end(void **state)
{
	struct op_fixture *f = *state;

	arena_free(f->a);
	return 0;
}

#define OP_TEST(fixture, fn)                                                   \
	cmocka_unit_test_prestate_setup_teardown(fn, op_test_begin,            \
						 op_test_end, fixture)

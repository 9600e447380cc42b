/*
 * encap audit: what is shown, and that --verify sees a chain that was changed.
 */
#include "cli/command.h"
#include "fsm/state/audit.h"
#include "tests/unit/cli/cli_run.h"
#include "tests/unit/cli/doctext.h"

#define RECORDS 2500 /* of the cluster: some pages */

struct world {
	struct arena *arena;
	struct doc *cluster, *web; /* chains */
	size_t asked;
};

static struct doc *chain(struct arena *a, const char *service, size_t n)
{
	struct doc *list = doc_list(a);
	const char *prev = arena_printf(a, "%064d", 0);

	for (size_t i = 1; i <= n; i++) {
		struct doc *r = doc_map(a);

		doc_put_int(a, r, "seq", (int64_t)i);
		doc_put_int(a, r, "at", (int64_t)i * 10);
		doc_put_str(a, r, "kind", "edit");
		doc_put_str(a, r, "service", service);
		doc_put_str(a, r, "text", arena_printf(a, "change %zu", i));
		if (i == 2)
			doc_put_str(a, r, "comment", "why not");
		doc_put_str(a, r, "prev", prev);
		doc_put_str(a, r, "hash", audit_hash(a, r));
		prev = doc_get_str(r, "hash", "");
		doc_add(a, list, r);
	}
	return list;
}

static struct doc *answer(struct fake_agent *f, struct arena *a, const char *op,
			  const struct doc *req, int *code, const char **err)
{
	struct world *w = f->data;
	bool web = strcmp(doc_get_str(req, "name", ""), "web") == 0;
	const struct doc *all = web ? w->web : w->cluster;
	int64_t limit = doc_get_int(req, "limit", 200);
	int64_t n = (int64_t)doc_len(all);
	int64_t after = doc_get_int(req, "after", n > limit ? n - limit : 0);
	struct doc *d, *list = doc_list(a);

	if (strcmp(op, "audit") != 0)
		return doc_map(a);
	if (doc_get(req, "name") && !web) {
		*code = CLI_NOT_FOUND;
		*err = "there is no such service";
		return NULL;
	}
	w->asked++;
	d = doctext(a, web ? "{anchor: {}}" : "{anchor: {}, chains: ['web']}");
	doc_put_int(a, d, "last", n);
	for (int64_t i = after; i < n && i < after + limit; i++)
		doc_add(a, list, doc_copy(a, doc_at(all, (size_t)i)));
	doc_put(a, d, "records", list);
	return d;
}

static struct ran run(struct world *w, const char *line)
{
	return cli_run_asking(answer, w, line, NULL);
}

static void make(struct world *w)
{
	struct arena *a = arena_new();

	*w = (struct world){ .arena = a };
	w->cluster = chain(a, "db", RECORDS);
	w->web = chain(a, "web", 3);
}

static void a_chain_that_holds_is_verified(void **state)
{
	struct world w;
	struct ran r;

	(void)state;
	make(&w);
	r = run(&w, "encap audit --verify");
	assert_int_equal(r.code, CLI_DONE);
	assert_non_null(strstr(r.out, "the cluster: 2500 records hold, from 1 "
				      "to 2500; the last is "));
	assert_non_null(strstr(r.out, "web: 3 records hold, from 1 to 3"));
	assert_int_equal(w.asked, 4);
	ran_free(&r);
	r = run(&w, "encap audit web --verify");
	assert_int_equal(r.code, CLI_DONE);
	assert_null(strstr(r.out, "cluster"));
	ran_free(&r);
	arena_free(w.arena);
}

static void one_that_was_changed_fails(void **state)
{
	struct world w;
	struct ran r;

	(void)state;
	make(&w);
	doc_put_str(w.arena, doc_at(w.cluster, 1700), "text", "nothing");
	r = run(&w, "encap audit --verify");
	assert_int_equal(r.code, CLI_FAILED);
	assert_non_null(strstr(r.err, "the cluster: record 1701 does not have "
				      "the hash"));
	ran_free(&r);
	arena_free(w.arena);
}

static void what_was_cut_off_at_the_end_fails(void **state)
{
	struct world w;
	struct ran r;

	(void)state;
	make(&w);
	doc_put_int(w.arena, doc_at(w.web, 2), "seq", 4);
	r = run(&w, "encap audit web --verify");
	assert_int_equal(r.code, CLI_FAILED);
	assert_non_null(strstr(r.err, "web: record 3 is missing"));
	ran_free(&r);
	arena_free(w.arena);
}

static size_t lines_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void the_last_ones_are_shown(void **state)
{
	struct world w;
	struct ran r;

	(void)state;
	make(&w);
	r = run(&w, "encap audit");
	assert_int_equal(r.code, CLI_DONE);
	assert_int_equal(lines_of(r.out), 50);
	assert_non_null(strstr(r.out, "change 2500\n"));
	ran_free(&r);
	r = run(&w, "encap audit web -n 2");
	assert_int_equal(lines_of(r.out), 2);
	assert_non_null(strstr(r.out, "web edit: change 2: why not\n"));
	ran_free(&r);
	r = run(&w, "encap audit -o json");
	assert_int_equal(r.code, CLI_DONE);
	assert_non_null(strstr(r.out, "\"change 1\""));
	assert_non_null(strstr(r.out, "\"change 2500\""));
	ran_free(&r);
	arena_free(w.arena);
}

static void what_cannot_be_is_refused(void **state)
{
	struct world w;
	struct ran r;

	(void)state;
	make(&w);
	r = run(&w, "encap audit nothing");
	assert_int_equal(r.code, CLI_NOT_FOUND);
	ran_free(&r);
	r = run(&w, "encap audit -n 0");
	assert_int_equal(r.code, CLI_USAGE);
	ran_free(&r);
	arena_free(w.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_that_holds_is_verified),
		cmocka_unit_test(one_that_was_changed_fails),
		cmocka_unit_test(what_was_cut_off_at_the_end_fails),
		cmocka_unit_test(the_last_ones_are_shown),
		cmocka_unit_test(what_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Edits on older revisions, drafts, and how the history is kept.
 */
#include <errno.h>

#include "fsm/rev/lines.h"
#include "tests/unit/op/op_fixture.h"

static struct op_fixture fixture;

#define TEXT                                                                   \
	"[DEFAULT]\nnodes = hv1 hv2\napp = shop\n\n[fs#1]\ntype = flag\n\n"    \
	"[env]\na = 1\nb = 2\nc = 3\n"

/* -- doing ------------------------------------------------------------------
 */

static struct doc *command(const char *op, const char *user, int64_t at)
{
	struct doc *by = doc_map(fixture.a), *cmd;

	doc_put_str(fixture.a, by, "user", user);
	doc_put_str(fixture.a, by, "node", "hv1");
	cmd = op_new(fixture.a, op, at, by);
	doc_put_str(fixture.a, cmd, "name", "web");
	return cmd;
}

static struct doc *edit_at(const char *user, const char *base, const char *text,
			   int64_t at)
{
	struct doc *cmd = command("svc_edit", user, at);

	doc_put_str(fixture.a, cmd, "base", base);
	doc_put_str(fixture.a, cmd, "config", text);
	return op_do(&fixture, cmd);
}

static struct doc *edit(const char *user, const char *base, const char *text)
{
	return edit_at(user, base, text, 2000);
}

static const char *text_of(const struct doc *r, const char *key)
{
	return doc_get_str(r, key, "");
}

static const char *done(const struct doc *r)
{
	if (op_code_of(r) != OP_OK)
		fail_msg("%s", text_of(r, "err"));
	return text_of(r, "rev");
}

static const char *created(const char *text)
{
	struct doc *cmd = command("svc_create", "ann", 1000);

	doc_put_str(fixture.a, cmd, "config", text);
	return done(op_do(&fixture, cmd));
}

/* TEXT with @from replaced by @to. */
static const char *with(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	assert_non_null(at);
	return arena_printf(fixture.a, "%.*s%s%s", (int)(at - text), text, to,
			    at + strlen(from));
}

static struct doc *revision(const char *rev)
{
	struct op_look l = op_look(&fixture);
	struct doc *d = state_revision(&l.s, "web", rev);

	txn_abort(l.t);
	return d;
}

static size_t drafts(void)
{
	struct op_look l = op_look(&fixture);
	size_t n = doc_len(state_drafts(&l.s, "web"));

	txn_abort(l.t);
	return n;
}

static const char *head_text(void)
{
	struct op_look l = op_look(&fixture);
	struct doc *d = state_revision(
		&l.s, "web",
		doc_get_str(state_service(&l.s, "web"), "head", ""));

	txn_abort(l.t);
	return text_of(d, "config");
}

/* -- merges -----------------------------------------------------------------
 */

static void an_edit_of_an_old_base_is_merged_with_both_parents(void **state)
{
	const char *one, *two, *side, *head;
	struct doc *r, *d;

	(void)state;
	one = created(TEXT);
	two = done(edit("ann", one, with(TEXT, "shop", "web")));
	r = edit("bob", one, with(TEXT, "a = 1", "a = 9"));
	head = done(r);
	assert_true(doc_get_bool(r, "merged", false));
	side = text_of(r, "edit");
	assert_string_equal(head_text(),
			    with(with(TEXT, "shop", "web"), "a = 1", "a = 9"));
	d = revision(head);
	assert_string_equal(doc_text(doc_at(doc_get(d, "parents"), 0), ""),
			    two);
	assert_string_equal(doc_text(doc_at(doc_get(d, "parents"), 1), ""),
			    side);
	assert_string_equal(text_of(doc_get(d, "author"), "user"), "bob");
	d = revision(side); /* the text as it came, on what it rests */
	assert_string_equal(doc_text(doc_at(doc_get(d, "parents"), 0), ""),
			    one);
	assert_string_equal(text_of(d, "config"), with(TEXT, "a = 1", "a = 9"));
	op_expect(&fixture, "service web revisions=4; service web version=3");
}

static void what_changes_nothing_is_no_revision(void **state)
{
	const char *one, *two, *text = with(TEXT, "shop", "web");
	struct doc *r;

	(void)state;
	one = created(TEXT);
	assert_string_equal(done(edit("ann", one, TEXT)), one);
	two = done(edit("ann", one, text));
	/* The text of its own base, the text of the head, the same edit. */
	r = edit("bob", one, TEXT);
	assert_string_equal(done(r), two);
	assert_true(doc_get_bool(r, "same", false));
	assert_string_equal(done(edit("bob", one, text)), two);
	done(edit("bob", two, with(text, "a = 1", "a = 9")));
	r = edit("bob", one, text);
	assert_true(doc_get_bool(r, "same", false));
	op_expect(&fixture, "service web revisions=3; service web version=3");
	assert_int_equal(drafts(), 0);
}

static void the_same_key_is_a_conflict_and_a_draft(void **state)
{
	const char *one, *two, *mine = with(TEXT, "shop", "mail");
	struct doc *r, *c;

	(void)state;
	one = created(TEXT);
	two = done(edit_at("ann", one, with(TEXT, "shop", "web"), 3000));
	done(edit("cat", two, with(head_text(), "a = 1", "a = 7")));
	r = edit_at("bob", one, mine, 4000);
	assert_int_equal(op_code_of(r), OP_CONFLICT);
	assert_non_null(strstr(text_of(r, "err"), "DEFAULT.app"));
	assert_non_null(strstr(text_of(r, "err"), "'encap resolve web draft-1 "
						  "--ours|--theirs|--edit'"));
	c = doc_at(doc_get(r, "conflicts"), 0);
	assert_string_equal(text_of(c, "key"), "DEFAULT.app");
	assert_string_equal(text_of(c, "base"), "shop");
	assert_string_equal(text_of(c, "ours"), "web");
	assert_string_equal(text_of(c, "theirs"), "mail");
	/* Who gave it the value, not who edited last. */
	assert_string_equal(text_of(doc_get(c, "by"), "user"), "ann");
	assert_int_equal(doc_get_int(c, "at", 0), 3000);
	assert_string_equal(text_of(c, "rev"), two);
	c = doc_get(r, "theirs");
	assert_string_equal(text_of(doc_get(c, "by"), "user"), "bob");
	assert_int_equal(doc_get_int(c, "at", 0), 4000);
	op_expect(&fixture,
		  arena_printf(fixture.a,
			       "draft web draft-1 kind=conflict; "
			       "draft web draft-1 base=%s; "
			       "draft web draft-1 by.user=bob; "
			       "draft web draft-1 text=%s; "
			       "service web revisions=3; service web version=3",
			       one, mine));
	/* Again: it is the same draft. */
	r = edit_at("bob", one, mine, 5000);
	assert_string_equal(text_of(r, "draft"), "draft-1");
	assert_int_equal(drafts(), 1);
}

static void valid_alone_and_not_together_is_a_conflict(void **state)
{
	const char *one;
	struct doc *r;

	(void)state;
	one = created(TEXT);
	done(edit("ann", one, with(TEXT, "a = 1", "a = {env.b}")));
	r = edit("bob", one, with(TEXT, "b = 2", "b = {env.a}"));
	assert_int_equal(op_code_of(r), OP_CONFLICT);
	assert_int_equal(doc_len(doc_get(r, "conflicts")), 0);
	assert_non_null(strstr(doc_text(doc_at(doc_get(r, "problems"), 0), ""),
			       "cycle"));
	assert_non_null(strstr(text_of(r, "err"), "cycle"));
	op_expect(&fixture, "service web revisions=2");
	assert_int_equal(drafts(), 1);
}

static void an_old_copy_is_no_edit(void **state)
{
	const char *one, *two;
	struct doc *r;

	(void)state;
	one = created(TEXT);
	two = done(edit("ann", one, with(TEXT, "shop", "web")));
	/* A container that was rolled back, or cloned: it has the text, and
	 * names a revision of another life, or none. */
	r = edit("root", "0123456789abcdef", TEXT);
	assert_string_equal(done(r), two);
	assert_true(doc_get_bool(r, "same", false));
	assert_string_equal(done(edit("root", "", TEXT)), two);
	op_expect(&fixture, "service web revisions=2");
	assert_int_equal(drafts(), 0);
}

static void an_edit_of_an_unknown_base_is_a_draft(void **state)
{
	const char *one;
	struct doc *r;

	(void)state;
	one = created(TEXT);
	r = edit("bob", "0123456789abcdef", with(TEXT, "shop", "mail"));
	assert_int_equal(op_code_of(r), OP_CONFLICT);
	assert_non_null(strstr(text_of(r, "err"), "not known here"));
	assert_string_equal(text_of(r, "head"), one);
	op_expect(&fixture, "draft web draft-1 base=0123456789abcdef; "
			    "service web revisions=1");
}

static void a_merge_must_not_take_away_where_it_runs(void **state)
{
	const char *one;
	struct doc *r;

	(void)state;
	one = created(TEXT);
	op_do_text(&fixture, "assign name=web version=1 changes=[{kind=assign "
			     "node=hv1 want=up epoch=1 token=1 seq=1}]");
	done(edit("ann", one, with(TEXT, "shop", "web")));
	r = edit("bob", one, with(TEXT, "hv1 hv2", "hv2"));
	assert_int_equal(op_code_of(r), OP_FAILED);
	assert_non_null(strstr(text_of(r, "err"), "hv1"));
	op_expect(&fixture, "service web revisions=2");
}

/* -- revert and resolve ------------------------------------------------------
 */

static struct doc *revert(const char *rev)
{
	struct doc *cmd = command("svc_revert", "ann", 3000);

	doc_put_str(fixture.a, cmd, "rev", rev);
	return op_do(&fixture, cmd);
}

static void a_revert_is_a_new_revision(void **state)
{
	const char *one, *two, *three;
	struct doc *d;

	(void)state;
	one = created(TEXT);
	two = done(edit("ann", one, with(TEXT, "shop", "web")));
	three = done(revert(one));
	assert_string_equal(head_text(), TEXT);
	d = revision(three);
	assert_string_equal(doc_text(doc_at(doc_get(d, "parents"), 0), ""),
			    two);
	assert_non_null(strstr(text_of(d, "comment"), "reverts to"));
	assert_true(doc_get_bool(revert(one), "same", false));
	op_expect(&fixture, "service web revisions=3");
}

static struct doc *resolve_saying(const char *take, const char *comment)
{
	struct doc *cmd = command("svc_resolve", "dan", 6000);

	doc_put_str(fixture.a, cmd, "draft", "draft-1");
	doc_put_str(fixture.a, cmd, "take", take);
	if (comment)
		doc_put_str(fixture.a, cmd, "comment", comment);
	return op_do(&fixture, cmd);
}

static struct doc *resolve(const char *take)
{
	return resolve_saying(take, NULL);
}

/* The head has app = web, the draft app = mail and b = 8. */
static const char *contested(void)
{
	const char *one = created(TEXT);
	const char *two = done(edit("ann", one, with(TEXT, "shop", "web")));

	edit("bob", one, with(with(TEXT, "shop", "mail"), "b = 2", "b = 8"));
	assert_int_equal(drafts(), 1);
	return two;
}

static void a_draft_is_resolved_with_ours(void **state)
{
	struct doc *d;

	(void)state;
	contested();
	d = revision(done(resolve("ours")));
	assert_string_equal(text_of(d, "config"),
			    with(with(TEXT, "shop", "web"), "b = 2", "b = 8"));
	assert_string_equal(text_of(doc_get(d, "author"), "user"), "dan");
	assert_string_equal(text_of(d, "comment"), "resolves draft-1");
	/* The draft's text is in the history, as its author's. */
	d = revision(doc_text(doc_at(doc_get(d, "parents"), 1), ""));
	assert_string_equal(text_of(doc_get(d, "author"), "user"), "bob");
	assert_int_equal(drafts(), 0);
	op_expect(&fixture, "events e text=draft-1 is resolved with ours");
}

static void who_resolves_may_say_why(void **state)
{
	struct doc *d;

	(void)state;
	contested();
	d = revision(done(resolve_saying("ours", "as agreed")));
	assert_string_equal(text_of(d, "comment"), "as agreed");
	/* It is not said of what bob wrote. */
	d = revision(doc_text(doc_at(doc_get(d, "parents"), 1), ""));
	assert_string_equal(text_of(d, "comment"), "");
}

static void a_draft_is_resolved_with_theirs(void **state)
{
	(void)state;
	contested();
	done(resolve("theirs"));
	assert_string_equal(head_text(),
			    with(with(TEXT, "shop", "mail"), "b = 2", "b = 8"));
	assert_int_equal(drafts(), 0);
}

static void a_draft_is_resolved_with_a_text(void **state)
{
	const char *head;
	struct doc *cmd, *r;

	(void)state;
	head = contested();
	cmd = command("svc_resolve", "dan", 6000);
	doc_put_str(fixture.a, cmd, "draft", "draft-1");
	doc_put_str(fixture.a, cmd, "take", "text");
	doc_put_str(fixture.a, cmd, "base", head);
	doc_put_str(fixture.a, cmd, "config", with(TEXT, "shop", "both"));
	/* Somebody was faster, with the same key: both drafts are there. */
	done(edit("cat", head, with(TEXT, "shop", "cats")));
	r = op_do(&fixture, cmd);
	assert_int_equal(op_code_of(r), OP_CONFLICT);
	assert_string_equal(text_of(r, "draft"), "draft-2");
	assert_int_equal(drafts(), 2);
	doc_put_str(fixture.a, cmd, "base", text_of(r, "head"));
	done(op_do(&fixture, cmd));
	assert_string_equal(head_text(), with(TEXT, "shop", "both"));
	assert_int_equal(drafts(), 1);
}

/* --if-rev: with another head nothing is resolved. */
static void a_draft_is_resolved_on_the_head_that_is_meant(void **state)
{
	struct doc *cmd, *r;

	(void)state;
	contested();
	cmd = command("svc_resolve", "dan", 6000);
	doc_put_str(fixture.a, cmd, "draft", "draft-1");
	doc_put_str(fixture.a, cmd, "take", "theirs");
	doc_put_str(fixture.a, cmd, "base", "0123456789abcdef");
	doc_put_bool(fixture.a, cmd, "strict", true);
	r = op_do(&fixture, cmd);
	assert_int_equal(op_code_of(r), OP_CONFLICT);
	assert_int_equal(drafts(), 1);
	cmd = doc_copy(fixture.a, cmd);
	doc_put_int(fixture.a, cmd, "sq", doc_get_int(cmd, "sq", 0) + 1000);
	doc_put_str(fixture.a, cmd, "base", text_of(r, "head"));
	done(op_do(&fixture, cmd));
	assert_int_equal(drafts(), 0);
}

static void a_draft_of_an_unknown_base_is_taken_whole(void **state)
{
	(void)state;
	created(TEXT);
	edit("bob", "0123456789abcdef", with(TEXT, "shop", "mail"));
	done(resolve("theirs"));
	assert_string_equal(head_text(), with(TEXT, "shop", "mail"));
	assert_int_equal(drafts(), 0);
	op_expect(&fixture, "service web revisions=2; "
			    "head web author.user=bob; "
			    "head web comment=resolves draft-1");
}

static void a_draft_that_has_become_valid_is_taken(void **state)
{
	struct doc *cmd;

	(void)state;
	cmd = command("draft_add", "bob", 2000);
	doc_put_str(fixture.a, cmd, "base", created(TEXT));
	doc_put_str(fixture.a, cmd, "kind", "invalid");
	doc_put_str(fixture.a, cmd, "config", with(TEXT, "c = 3", "c = 4"));
	op_do(&fixture, cmd);
	done(resolve("theirs"));
	assert_string_equal(head_text(), with(TEXT, "c = 3", "c = 4"));
	op_expect(&fixture, "service web revisions=2");
}

/* -- bounds ------------------------------------------------------------------
 */

static struct doc *add_draft(const char *text)
{
	struct doc *cmd = command("draft_add", "bob", 2000);

	doc_put_str(fixture.a, cmd, "kind", "invalid");
	doc_put_str(fixture.a, cmd, "config", text);
	return op_do(&fixture, cmd);
}

static void drafts_are_bounded_and_none_is_dropped_for_another(void **state)
{
	const char *one;
	struct doc *r;

	(void)state;
	one = created(TEXT);
	for (int i = 0; i < OP_DRAFTS_KEPT; i++)
		assert_int_equal(op_code_of(add_draft(arena_printf(
					 fixture.a, "draft %d", i))),
				 OP_OK);
	r = add_draft("one more");
	assert_int_equal(op_code_of(r), OP_FAILED);
	assert_non_null(strstr(text_of(r, "err"), "drop some"));
	assert_int_equal(op_code_of(add_draft("draft 3")), OP_OK);
	assert_int_equal(drafts(), OP_DRAFTS_KEPT);
	/* A conflict says that its text was not kept. */
	done(edit("ann", one, with(TEXT, "shop", "web")));
	r = edit("bob", one, with(TEXT, "shop", "mail"));
	assert_int_equal(op_code_of(r), OP_CONFLICT);
	assert_false(doc_get_bool(r, "kept", true));
	assert_non_null(strstr(text_of(r, "err"), "it is not kept"));
}

static void a_plan_of_an_edit_keeps_nothing(void **state)
{
	struct doc *cmd = command("svc_edit", "bob", 2000);
	const char *one;
	struct doc *r;

	(void)state;
	one = created(TEXT);
	done(edit("ann", one, with(TEXT, "shop", "web")));
	doc_put_str(fixture.a, cmd, "base", one);
	doc_put_str(fixture.a, cmd, "config", with(TEXT, "shop", "mail"));
	doc_put_bool(fixture.a, cmd, "plan", true);
	r = op_do(&fixture, cmd);
	assert_int_equal(op_code_of(r), OP_CONFLICT);
	assert_int_equal(doc_len(doc_get(r, "conflicts")), 1);
	assert_int_equal(drafts(), 0);
	assert_null(doc_get(r, "draft"));
	assert_non_null(strstr(text_of(r, "err"), "a plan keeps nothing"));
}

static void the_size_of_drafts_is_bounded(void **state)
{
	char *text = arena_alloc(fixture.a, 1000 * 1000 + 1);
	int n = 0;

	(void)state;
	created(TEXT);
	memset(text, 'x', 1000 * 1000);
	for (; n < 10; n++) {
		text[0] = (char)('a' + n);
		if (op_code_of(add_draft(text)) != OP_OK)
			break;
	}
	assert_int_equal(n, OP_DRAFTS_BYTES / (1000 * 1000));
}

static void offers_are_bounded(void **state)
{
	int n = 0;

	(void)state;
	op_do_text(&fixture, "cluster_init name=c id=x node={name=hv1}");
	for (; n < OP_OFFERS_KEPT + 10; n++) {
		struct doc *cmd = command("draft_add", "bob", 2000);

		doc_put_str(fixture.a, cmd, "name",
			    arena_printf(fixture.a, "new%d", n));
		doc_put_str(fixture.a, cmd, "kind", "offer");
		doc_put_str(fixture.a, cmd, "config", "x");
		if (op_code_of(op_do(&fixture, cmd)) != OP_OK)
			break;
	}
	assert_int_equal(n, OP_OFFERS_KEPT);
}

#define DAY (24 * 3600 * 1000LL)

static void history_and_drafts_are_bounded_by_age(void **state)
{
	const char *rev[6];

	(void)state;
	rev[0] = created(TEXT);
	for (int i = 1; i < 5; i++)
		rev[i] = done(
			edit_at("ann", rev[i - 1],
				arena_printf(fixture.a, "%s# %d\n", TEXT, i),
				i * 100 * DAY));
	assert_non_null(revision(rev[0]));
	add_draft("kept for a while"); /* names the head, rev[4] */
	/* One clock that is far ahead forgets nothing. */
	rev[5] = done(edit_at("bob", rev[4], TEXT "# 5\n", 9000 * DAY));
	assert_non_null(revision(rev[0]));
	done(edit_at("bob", rev[5], TEXT "# 6\n", 1000 * DAY));
	for (int i = 0; i < 4; i++)
		assert_null(revision(rev[i]));
	assert_non_null(revision(rev[4])); /* a draft names it */
	assert_non_null(revision(rev[5]));
	assert_int_equal(drafts(), 1);
	/* The next draft takes the old one's place, and what it named goes. */
	struct doc *cmd = command("draft_add", "bob", 2000 * DAY);

	doc_put_str(fixture.a, cmd, "kind", "invalid");
	doc_put_str(fixture.a, cmd, "config", "another");
	op_do(&fixture, cmd);
	assert_int_equal(drafts(), 1);
	assert_null(revision(rev[4]));
}

static void a_pruned_base_is_unknown_and_never_silent(void **state)
{
	const char *one, *head;
	struct doc *r;

	(void)state;
	one = created(TEXT);
	head = done(edit_at("ann", one, TEXT "# 1\n", 500 * DAY));
	done(edit_at("ann", head, TEXT "# 2\n", 501 * DAY));
	assert_null(revision(one));
	r = edit_at("bob", one, with(TEXT, "a = 1", "a = 9"), 502 * DAY);
	assert_int_equal(op_code_of(r), OP_CONFLICT);
	assert_int_equal(drafts(), 1);
	/* Of a text that nothing is known of any more, the same. */
	r = edit_at("bob", one, TEXT, 503 * DAY);
	assert_int_equal(op_code_of(r), OP_CONFLICT);
	assert_int_equal(drafts(), 2);
}

/* -- how it is kept -----------------------------------------------------------
 */

static void a_revision_has_many_names(void **state)
{
	const char *rev[3];
	struct err err;
	struct op_look l;

	(void)state;
	rev[0] = created(TEXT);
	rev[1] = done(edit("ann", rev[0], TEXT "# 1\n"));
	rev[2] = done(edit("ann", rev[1], TEXT "# 2\n"));
	l = op_look(&fixture);
#define NAMED(word) state_revision_named(&l.s, "web", word, &err)
	assert_string_equal(NAMED("head"), rev[2]);
	assert_string_equal(NAMED("head~1"), rev[1]);
	assert_string_equal(NAMED("#1"), rev[0]);
	assert_string_equal(NAMED(rev[1]), rev[1]);
	assert_string_equal(NAMED(arena_printf(fixture.a, "%.8s", rev[0])),
			    rev[0]);
	assert_null(NAMED("head~3"));
	assert_int_equal(err.code, -ENOENT);
	assert_null(NAMED("#99999999999999999"));
	assert_int_equal(err.code, -EINVAL);
	assert_null(NAMED("headless"));
	assert_int_equal(err.code, -EINVAL);
	assert_null(NAMED("abc"));
	assert_int_equal(err.code, -EINVAL);
	assert_null(NAMED("zzzzzzzz"));
	assert_int_equal(err.code, -ENOENT);
	assert_int_equal(doc_len(state_history(&l.s, "web", 0, 10)), 3);
	assert_string_equal(
		text_of(doc_at(state_history(&l.s, "web", 3, 1), 0), "rev"),
		rev[1]);
	txn_abort(l.t);
}

static uint64_t rng = 7;

static unsigned below(unsigned n)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(rng >> 33) % n;
}

#define LINES 400

/* 20 KB of an env file, of which each edit changes a line or a few. */
static const char *big_text(const unsigned *values)
{
	struct buf b = BUF(fixture.a);

	buf_puts(&b, "[DEFAULT]\nnodes = hv1 hv2\n\n[env]\n");
	for (int i = 0; i < LINES; i++)
		buf_printf(&b, "some_key_of_a_length_%03d = value %08x of it\n",
			   i, values[i]);
	return buf_text(&b);
}

static int count_bytes(void *arg, const void *data, size_t len)
{
	(void)data;
	*(size_t *)arg += len;
	return 0;
}

static size_t bytes_exported(void)
{
	struct op_look l = op_look(&fixture);
	size_t n = 0;
	struct err err;

	assert_int_equal(txn_export(l.t, fixture.group, count_bytes, &n, &err),
			 0);
	txn_abort(l.t);
	return n;
}

/* Pages that the group takes: 4 KiB each, in use in the environment. */
static size_t bytes_on_disk(void)
{
	char path[400];
	struct stat st;

	snprintf(path, sizeof(path), "%s/db/data.mdb", fixture.tmp.path);
	assert_int_equal(stat(path, &st), 0);
	return (size_t)st.st_blocks * 512;
}

static void a_thousand_revisions_of_20_kb_cost_less_than_5_mb(void **state)
{
	unsigned values[LINES] = { 0 };
	size_t before = bytes_on_disk(), disk, stream;
	struct arena *all = fixture.a;
	char head[65];

	(void)state;
	snprintf(head, sizeof(head), "%s", created(big_text(values)));
	assert_true(strlen(big_text(values)) > 18 * 1000);
	for (int i = 1; i < 1000; i++) {
		SCOPED(arena) struct arena *a = arena_new();

		fixture.a = a;
		for (unsigned n = 1 + below(3); n; n--)
			values[below(LINES)] = (unsigned)i;
		snprintf(head, sizeof(head), "%s",
			 done(edit("ann", head, big_text(values))));
		fixture.a = all;
	}
	assert_string_equal(head_text(), big_text(values));
	disk = bytes_on_disk() - before;
	stream = bytes_exported();
	print_message("1,000 revisions: %zu KiB on disk, %zu KiB of snapshot\n",
		      disk / 1024, stream / 1024);
	assert_true(disk < 5 * 1000 * 1000);
	assert_true(stream < 5 * 1000 * 1000);
}

/* Every text comes out as it went in, whatever the texts have in common. */
static void texts_come_out_as_they_went_in(void **state)
{
	const char *texts[200], *revs[200];
	size_t n = 0;

	(void)state;
	texts[0] = TEXT;
	revs[n++] = created(TEXT);
	for (; n < 200; n++) {
		struct buf b = BUF(fixture.a);

		if (below(8) == 0) /* nothing in common */
			for (unsigned i = below(40); i; i--)
				buf_printf(&b, "[s%u]\nk%u = %u\n", below(9),
					   below(9), below(9));
		else
			buf_puts(&b, texts[n - 1]);
		buf_printf(&b, "# %zu\n", n);
		texts[n] = buf_text(&b);
		revs[n] = done(edit("ann", revs[n - 1], texts[n]));
	}
	for (size_t i = 0; i < n; i++)
		assert_string_equal(text_of(revision(revs[i]), "config"),
				    texts[i]);
}

/* Rows as they were written before there were deltas. */
static void a_whole_text_in_its_row_is_read(void **state)
{
	struct state_key k = state_key("web", "r1");
	struct txn *t = op_write(&fixture);
	struct state s = { t, fixture.group, fixture.a };
	struct doc *row = doc_map(fixture.a);

	(void)state;
	doc_put_str(fixture.a, row, "rev", "r1");
	doc_put_str(fixture.a, row, "config", "x\n");
	doc_put_int(fixture.a, row, "n", 1);
	state_put(&s, TABLE_REVISION, &k, row);
	assert_string_equal(text_of(state_revision(&s, "web", "r1"), "config"),
			    "x\n");
	op_commit(t);
}

/* -- running ------------------------------------------------------------------
 */

#define TEST(f) OP_TEST(&fixture, f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_edit_of_an_old_base_is_merged_with_both_parents),
		TEST(what_changes_nothing_is_no_revision),
		TEST(the_same_key_is_a_conflict_and_a_draft),
		TEST(valid_alone_and_not_together_is_a_conflict),
		TEST(an_old_copy_is_no_edit),
		TEST(an_edit_of_an_unknown_base_is_a_draft),
		TEST(a_merge_must_not_take_away_where_it_runs),
		TEST(a_revert_is_a_new_revision),
		TEST(a_draft_is_resolved_with_ours),
		TEST(who_resolves_may_say_why),
		TEST(a_draft_is_resolved_with_theirs),
		TEST(a_draft_is_resolved_with_a_text),
		TEST(a_draft_is_resolved_on_the_head_that_is_meant),
		TEST(a_draft_of_an_unknown_base_is_taken_whole),
		TEST(a_draft_that_has_become_valid_is_taken),
		TEST(drafts_are_bounded_and_none_is_dropped_for_another),
		TEST(a_plan_of_an_edit_keeps_nothing),
		TEST(the_size_of_drafts_is_bounded),
		TEST(offers_are_bounded),
		TEST(history_and_drafts_are_bounded_by_age),
		TEST(a_pruned_base_is_unknown_and_never_silent),
		TEST(a_revision_has_many_names),
		TEST(a_thousand_revisions_of_20_kb_cost_less_than_5_mb),
		TEST(texts_come_out_as_they_went_in),
		TEST(a_whole_text_in_its_row_is_read),
	};
	int failed;

	op_fixture_init(&fixture);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	op_fixture_fini(&fixture);
	return failed;
}

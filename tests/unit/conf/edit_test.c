#include <errno.h>

#include "fsm/conf/ini.h"
#include "tests/unit/conf/confs.h"

static const struct key_row {
	const char *name, *text;
	const char *section, *option, *scope; /* section NULL: refused */
} keys[] = {
	{ "no section", "nodes", "DEFAULT", "nodes", "" },
	{ "no section, scoped", "nodes@encapnodes", "DEFAULT", "nodes",
	  "encapnodes" },
	{ "section", "fs#1.mnt", "fs#1", "mnt", "" },
	{ "scope with dots", "fs#1.mnt@n1.acme.com", "fs#1", "mnt",
	  "n1.acme.com" },
	{ "the last dot counts", "a#b.c.d@n1.acme.com", "a#b.c", "d",
	  "n1.acme.com" },
	{ "scope in upper case", "fs#1.mnt@N1", "fs#1", "mnt", "n1" },
	{ "env splits at the first dot", "env.a.b.c", "env", "a.b.c", "" },
	{ "data too", "data.etc/a.conf", "data", "etc/a.conf", "" },
	{ "labels too", "labels.a.b", "labels", "a.b", "" },
	{ "a subset", "subset#fs:a.parallel", "subset#fs:a", "parallel", "" },
	{ "bare section", "app.start", "app", "start", "" },
	{ "empty", "", NULL, NULL, NULL },
	{ "a dot", ".", NULL, NULL, NULL },
	{ "no keyword", "fs#1.", NULL, NULL, NULL },
	{ "no section name", ".mnt", NULL, NULL, NULL },
	{ "a section alone", "fs#1", NULL, NULL, NULL },
	{ "a scope alone", "@n1", NULL, NULL, NULL },
	{ "an empty scope", "fs#1.mnt@", NULL, NULL, NULL },
	{ "two scopes", "fs#1.mnt@a@b", "fs#1", "mnt", "a@b" },
	{ "a blank", "fs#1.mnt x", NULL, NULL, NULL },
	{ "a newline", "fs#1.mnt\nx", NULL, NULL, NULL },
	{ "a control character", "fs#1.mn\x01", NULL, NULL, NULL },
	{ "a separator", "fs#1.mnt:x", NULL, NULL, NULL },
	{ "a comment", "#x", NULL, NULL, NULL },
	{ "an option like a comment", "fs#1.;x", NULL, NULL, NULL },
	{ "an option like a header", "fs#1.[x", NULL, NULL, NULL },
	{ "a section that ends early", "fs]#1.x", NULL, NULL, NULL },
};

static void key_is_taken_apart(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct key_row *row = *state;
	struct err err = { 0 };
	struct conf_key k;
	int rc = conf_key_parse(a, row->text, &k, &err);

	if (!row->section) {
		assert_int_equal(rc, -EINVAL);
		assert_says(err.text, "expected SECTION.KEYWORD[@SCOPE]");
		return;
	}
	assert_int_equal(rc, 0);
	assert_string_equal(k.section, row->section);
	assert_string_equal(k.option, row->option);
	assert_string_equal(k.scope, row->scope);
}

#define FILE_A                                                                 \
	"# head\n[DEFAULT]\nnodes = n1 n2\n\n# the disk\n[fs#1]\n"             \
	"type = ext4   \nmnt  :  /a\nmnt@n1=/b\n\n[fs#2]\n# empty\n"

/* @key is given @value (NULL: unset), and @before becomes @after. */
static const struct edit_row {
	const char *name, *before, *key, *value, *after;
} edits[] = {
	{ "in place", FILE_A, "nodes", "n3",
	  "# head\n[DEFAULT]\nnodes = n3\n\n# the disk\n[fs#1]\n"
	  "type = ext4   \nmnt  :  /a\nmnt@n1=/b\n\n[fs#2]\n# empty\n" },
	{ "the separator stays", FILE_A, "fs#1.mnt", "/c",
	  "# head\n[DEFAULT]\nnodes = n1 n2\n\n# the disk\n[fs#1]\n"
	  "type = ext4   \nmnt  :  /c\nmnt@n1=/b\n\n[fs#2]\n# empty\n" },
	{ "the scoped line", FILE_A, "fs#1.mnt@n1", "/c",
	  "# head\n[DEFAULT]\nnodes = n1 n2\n\n# the disk\n[fs#1]\n"
	  "type = ext4   \nmnt  :  /a\nmnt@n1=/c\n\n[fs#2]\n# empty\n" },
	{ "what is so already", FILE_A, "fs#1.type", "ext4", FILE_A },
	{ "a new key at the end of its section", FILE_A, "fs#1.dev", "/dev/x",
	  "# head\n[DEFAULT]\nnodes = n1 n2\n\n# the disk\n[fs#1]\n"
	  "type = ext4   \nmnt  :  /a\nmnt@n1=/b\ndev = /dev/x\n\n"
	  "[fs#2]\n# empty\n" },
	{ "the first key of a section", FILE_A, "fs#2.type", "flag",
	  "# head\n[DEFAULT]\nnodes = n1 n2\n\n# the disk\n[fs#1]\n"
	  "type = ext4   \nmnt  :  /a\nmnt@n1=/b\n\n[fs#2]\ntype = flag\n"
	  "# empty\n" },
	{ "a new scoped key", "[s]\nk = v\n", "s.k@N2", "w",
	  "[s]\nk = v\nk@n2 = w\n" },
	{ "a new section", "[s]\nk = v\n", "t.k", "v",
	  "[s]\nk = v\n\n[t]\nk = v\n" },
	{ "a new section, no newline", "[s]\nk = v", "t.k", "v",
	  "[s]\nk = v\n\n[t]\nk = v\n" },
	{ "into an empty file", "", "nodes", "n1", "[DEFAULT]\nnodes = n1\n" },
	{ "after a byte order mark", "\xef\xbb\xbf", "nodes", "n1",
	  "\xef\xbb\xbf[DEFAULT]\nnodes = n1\n" },
	{ "after a comment without newline", "# c", "nodes", "n1",
	  "# c\n\n[DEFAULT]\nnodes = n1\n" },
	{ "a new key, no newline", "[s]\nk = v", "s.j", "w",
	  "[s]\nk = v\nj = w\n" },
	{ "in place, no newline", "[s]\nk = v", "s.k", "w", "[s]\nk = w" },
	{ "in place, CRLF", "[s]\r\nk = v\r\n", "s.k", "w\nx",
	  "[s]\r\nk = w\r\n\tx\r\n" },
	{ "a new key, CRLF", "[s]\r\nk = v\r\n", "s.j", "w",
	  "[s]\r\nk = v\r\nj = w\r\n" },
	{ "a new section, CRLF", "[s]\r\nk = v\r\n", "t.j", "w",
	  "[s]\r\nk = v\r\n\r\n[t]\r\nj = w\r\n" },
	{ "the one that counts", "[s]\nk = a\nk = b\n", "s.k", "c",
	  "[s]\nk = a\nk = c\n" },
	{ "at the end of the last part of a section",
	  "[s]\nk = a\n[t]\n[s]\nj = b\n[u]\n", "s.i", "c",
	  "[s]\nk = a\n[t]\n[s]\nj = b\ni = c\n[u]\n" },
	{ "to nothing", "[s]\nk = v\n", "s.k", "", "[s]\nk = \n" },
	{ "from nothing", "[s]\nk =\n", "s.k", "v", "[s]\nk = v\n" },
	{ "from nothing, no blanks", "[s]\nk=\n", "s.k", "v", "[s]\nk=v\n" },
	{ "a new empty key", "[s]\n", "s.k", "", "[s]\nk =\n" },
	{ "to many lines", "[s]\nk = v\nj = w\n", "s.k", "a\nb\nc",
	  "[s]\nk = a\n\tb\n\tc\nj = w\n" },
	{ "a new key of many lines", "[s]\n", "s.k", "a\n\n  b  \n",
	  "[s]\nk = a\n\tb\n" },
	{ "from many lines", "[s]\nk = a\n\tb\n\tc\nj = w\n", "s.k", "v",
	  "[s]\nk = v\nj = w\n" },
	{ "comments among the lines stay", "[s]\nk = a\n# c\n\n\tb\nj = w\n",
	  "s.k", "v", "[s]\nk = v\n# c\n\nj = w\n" },
	{ "the first line was empty", "[s]\nk =\n\ta\n\tb\n", "s.k", "v",
	  "[s]\nk = v\n" },
	{ "indentation of a key", "[s]\n  k = v\n  j = w\n", "s.k", "a\nb",
	  "[s]\n  k = a\n  \tb\n  j = w\n" },
	{ "a new key is as deep as the last", "[s]\n  k = v\n  [t]\n", "s.j",
	  "w", "[s]\n  k = v\n  j = w\n  [t]\n" },
	{ "a new key is as deep as the next header", "[s]\n# c\n  [t]\n", "s.j",
	  "w", "[s]\n  j = w\n# c\n  [t]\n" },
	{ "a value like a comment", "[s]\nk = v\n", "s.k", "# v",
	  "[s]\nk = # v\n" },
	{ "a value like a header", "[s]\nk = v\n", "s.k", "[t]",
	  "[s]\nk = [t]\n" },
	{ "a value with separators", "[s]\n", "s.k",
	  "= : =", "[s]\nk = = : =\n" },

	{ "unset", FILE_A, "fs#1.mnt", NULL,
	  "# head\n[DEFAULT]\nnodes = n1 n2\n\n# the disk\n[fs#1]\n"
	  "type = ext4   \nmnt@n1=/b\n\n[fs#2]\n# empty\n" },
	{ "unset the scoped one", FILE_A, "fs#1.mnt@n1", NULL,
	  "# head\n[DEFAULT]\nnodes = n1 n2\n\n# the disk\n[fs#1]\n"
	  "type = ext4   \nmnt  :  /a\n\n[fs#2]\n# empty\n" },
	{ "unset all of one name", "[s]\nk = a\nj = w\n[s]\nk = b\n", "s.k",
	  NULL, "[s]\nj = w\n[s]\n" },
	{ "unset many lines, comments stay", "[s]\nk = a\n# c\n\tb\nj = w\n",
	  "s.k", NULL, "[s]\n# c\nj = w\n" },
};

static int edit(struct arena *a, struct conf *c, const char *key,
		const char *value, struct err *err)
{
	struct conf_key k;

	assert_int_equal(conf_key_parse(a, key, &k, err), 0);
	return value ? conf_set(c, &k, value, err) : conf_unset(c, &k, err);
}

/* Blank lines and blanks at the ends of lines do not count. */
static const char *normal(struct arena *a, const char *value)
{
	struct buf text = BUF(a);
	struct conf *c;
	struct conf_key k = { "s", "k", "" };

	buf_puts(&text, "[s]\nk = ");
	for (; *value; value++)
		buf_puts(&text,
			 *value == '\n' ? "\n\t" : (char[]){ *value, '\0' });
	c = parse(a, buf_text(&text));
	return conf_raw(c, &k);
}

static void only_its_lines_change(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct edit_row *row = *state;
	struct conf *c = parse(a, row->before);
	struct err err = { 0 };
	struct conf_key k;

	assert_int_equal(edit(a, c, row->key, row->value, &err), 0);
	assert_string_equal(written(a, c), row->after);
	/* It reads the same in memory and from the text. */
	conf_key_parse(a, row->key, &k, NULL);
	assert_value(conf_raw(c, &k),
		     row->value ? normal(a, row->value) : NULL);
	assert_value(conf_raw(parse(a, written(a, c)), &k), conf_raw(c, &k));
}

static const struct refused_row {
	const char *name;
	struct conf_key key;
	const char *value, *says;
} refused[] = {
	{ "a line like a comment",
	  { "s", "k", "" },
	  "a\n  # b",
	  "line '# b' of the value would be read as a comment" },
	{ "a line like the other comment",
	  { "s", "k", "" },
	  "a\n;b",
	  "would be read as a comment" },
	{ "no UTF-8", { "s", "k", "" }, "\xff", "the value is not UTF-8" },
	{ "no option", { "s", "", "" }, "v", "names no keyword" },
	{ "no section", { "", "k", "" }, "v", "names no section" },
	{ "a newline in the option", { "s", "k\nj", "" }, "v", "no keyword" },
	{ "a newline in the section", { "s]\n[t", "k", "" }, "v", "section" },
	{ "a newline in the scope", { "s", "k", "n\n" }, "v", "scope" },
	{ "a separator in the option", { "s", "k=j", "" }, "v", "no keyword" },
	{ "a separator in the scope", { "s", "k", "n=1" }, "v", "scope" },
};

static void what_would_not_read_back_is_refused(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct refused_row *row = *state;
	struct conf *c = parse(a, "[s]\nk = v\n");
	struct err err = { 0 };

	assert_int_equal(conf_set(c, &row->key, row->value, &err), -EINVAL);
	assert_says(err.text, row->says);
	assert_string_equal(written(a, c), "[s]\nk = v\n");
}

static void a_long_value_is_refused(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct conf *c = parse(a, "[s]\nk = v\n");
	char *value = arena_alloc(a, CONF_MAX_LINE);
	struct err err = { 0 };

	(void)state;
	memset(value, 'x', CONF_MAX_LINE / 2);
	assert_int_equal(edit(a, c, "s.k", value, &err), 0);
	value[CONF_MAX_LINE / 2] = 'x';
	assert_int_equal(edit(a, c, "s.k", value, &err), -EINVAL);
	assert_says(err.text, "32768 in one line");
}

static void a_full_file_takes_no_more(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct buf b = BUF(a);
	struct err err = { 0 };
	struct conf *c;

	(void)state;
	buf_puts(&b, "[env]\n");
	for (int i = 0; i < INI_MAX_KEYS; i++)
		buf_printf(&b, "k%d = v\n", i);
	c = parse(a, buf_text(&b));
	assert_int_equal(edit(a, c, "env.one-more", "v", &err), -ENOSPC);
	assert_int_equal(edit(a, c, "env.k7", "w", &err), 0);
}

static void unset_of_nothing_is_1(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct conf *c = parse(a, FILE_A);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(edit(a, c, "fs#1.nothing", NULL, &err), 1);
	assert_int_equal(edit(a, c, "fs#9.mnt", NULL, &err), 1);
	assert_int_equal(edit(a, c, "fs#1.mnt@n2", NULL, &err), 1);
	assert_string_equal(written(a, c), FILE_A);
	assert_int_equal(edit(a, c, "fs#1.mnt", NULL, &err), 0);
	assert_int_equal(edit(a, c, "fs#1.mnt", NULL, &err), 1);
}

static void set_after_unset(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct conf *c = parse(a, "[s]\nk = v\nj = w\n[t]\n");
	struct err err = { 0 };

	(void)state;
	assert_int_equal(edit(a, c, "s.j", NULL, &err), 0);
	assert_int_equal(edit(a, c, "s.k", NULL, &err), 0);
	assert_string_equal(written(a, c), "[s]\n[t]\n");
	assert_int_equal(edit(a, c, "s.k", "x", &err), 0);
	assert_int_equal(edit(a, c, "s.i", "y", &err), 0);
	assert_string_equal(written(a, c), "[s]\nk = x\ni = y\n[t]\n");
}

static const struct assign_row {
	const char *name, *before, *assignment, *after;
} assigns[] = {
	{ "set", "[s]\nk = v\n", "s.k=a b", "[s]\nk = a b\n" },
	{ "set to nothing", "[s]\nk = v\n", "s.k=", "[s]\nk = \n" },
	{ "set with an equals sign", "[s]\n", "s.k=a=b", "[s]\nk = a=b\n" },
	{ "set scoped", "[s]\n", "s.k@n1=v", "[s]\nk@n1 = v\n" },
	{ "add a word", "[s]\nk = a\n", "s.k+=b", "[s]\nk = a b\n" },
	{ "add a word again", "[s]\nk = a b\n", "s.k+=b", "[s]\nk = a b b\n" },
	{ "add two", "[s]\nk = a\n", "s.k+=b c", "[s]\nk = a b c\n" },
	{ "add to nothing", "[s]\n", "s.k+=b", "[s]\nk = b\n" },
	{ "add to an empty value", "[s]\nk =\n", "s.k+=b", "[s]\nk = b\n" },
	{ "add what is missing", "[s]\nk = a b\n", "s.k|=b c",
	  "[s]\nk = a b c\n" },
	{ "add what is there", "[s]\nk = a  b\n", "s.k|=b", "[s]\nk = a  b\n" },
	{ "remove a word", "[s]\nk = a b c b\n", "s.k-=b", "[s]\nk = a c\n" },
	{ "remove two", "[s]\nk = a b c\n", "s.k-=c a", "[s]\nk = b\n" },
	{ "remove the last", "[s]\nk = a\n", "s.k-=a", "[s]\nk = \n" },
	{ "remove what is not there", "[s]\nk = a\n", "s.k-=ab",
	  "[s]\nk = a\n" },
	{ "remove from nothing", "[s]\n", "s.k-=a", "[s]\n" },
	{ "no key", "[s]\n", "=v", NULL },
	{ "no key for an operator", "[s]\n", "+=v", NULL },
	{ "no value", "[s]\n", "s.k", NULL },
	{ "no good key", "[s]\n", "s k=v", NULL },
};

static void assignment_is_applied(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	const struct assign_row *row = *state;
	struct conf *c = parse(a, row->before);
	struct err err = { 0 };
	int rc = conf_assign(c, row->assignment, &err);

	assert_int_equal(rc, row->after ? 0 : -EINVAL);
	assert_string_equal(written(a, c),
			    row->after ? row->after : row->before);
	if (!row->after)
		assert_says(err.text, "expected");
}

/* -- any edits of any file ------------------------------------------------- */

static const char *any_file(struct arena *a, unsigned *seed)
{
	static const char *const lines[] = {
		"[s]",	    "[t]",     "  [s]", "k = v",      "  k = w",
		"j@n1: x",  "\tcont",  "# c",	"",	      "    deeper",
		"  ; note", "j = a\r", "k =",	"\tj@n1 = y", " ",
	};
	struct buf b = BUF(a);
	int n = rand_r(seed) % 14;

	buf_puts(&b, "[s]\n");
	for (int i = 0; i < n; i++)
		buf_printf(&b, "%s\n", lines[(unsigned)rand_r(seed) % 15]);
	if (rand_r(seed) % 3 == 0)
		buf_puts(&b, "k = last");
	return buf_text(&b);
}

static const struct conf_key some_keys[] = {
	{ "s", "k", "" }, { "s", "j", "n1" }, { "t", "k", "" },
	{ "s", "j", "" }, { "u", "k", "" },
};

static void snapshot(struct arena *a, const struct conf *c, const char **ret)
{
	for (size_t i = 0; i < 5; i++) {
		const char *v = conf_raw(c, &some_keys[i]);

		ret[i] = v ? arena_printf(a, "%s", v) : NULL;
	}
}

/* After each edit the text reads back as what is in memory, and no other key
 * has another value. */
static void edits_touch_nothing_else(void **state)
{
	static const char *const values[] = { "a",   "b\nc",  "",	"# d",
					      "[s]", "e = f", "a\nb\nc" };
	unsigned seed = 11;

	(void)state;
	for (int round = 0; round < 1500; round++) {
		SCOPED(arena) struct arena *a = arena_new();
		struct problems p = { .arena = a };
		const char *text = any_file(a, &seed);
		struct conf *c = conf_parse(a, text, strlen(text), &p);

		for (int i = 0; c && i < 4; i++) {
			size_t which = (size_t)rand_r(&seed) % 5;
			const char *before[5], *after[5], *read[5];
			const char *value = values[rand_r(&seed) % 7];

			snapshot(a, c, before);
			if (rand_r(&seed) % 3)
				assert_int_equal(conf_set(c, &some_keys[which],
							  value, NULL),
						 0);
			else
				conf_unset(c, &some_keys[which], NULL);
			snapshot(a, c, after);
			snapshot(a, parse(a, written(a, c)), read);
			for (size_t j = 0; j < 5; j++) {
				assert_value(read[j], after[j]);
				if (j != which)
					assert_value(after[j], before[j]);
			}
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_value_is_refused),
		cmocka_unit_test(a_full_file_takes_no_more),
		cmocka_unit_test(unset_of_nothing_is_1),
		cmocka_unit_test(set_after_unset),
		cmocka_unit_test(edits_touch_nothing_else),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(keys, key_is_taken_apart);
	failed += TABLE_RUN(edits, only_its_lines_change);
	failed += TABLE_RUN(refused, what_would_not_read_back_is_refused);
	failed += TABLE_RUN(assigns, assignment_is_applied);
	return failed != 0;
}

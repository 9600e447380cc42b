#include "cli/show/output.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/cli/doctext.h"

static const char nodes[] =
	"{ nodes: [ { name: hv1, at: [a, b], n: 3, up: true },"
	"           { name: 'hv 2', at: [], n: 12, m: { 'fs#1': x } } ] }";

/* A document in a format. */
static const struct print_row {
	const char *name, *format, *doc, *rows, *want;
	bool later;
} prints[] = {
	{ "json", "json", "{ a: 1 }", NULL, "{\n  \"a\": 1\n}\n", false },
	{ "yaml", "yaml", "{ a: 1, b: [x, 'y z'], c: { }, d: [] }", NULL,
	  "---\na: 1\nb:\n- x\n- y z\nc: {}\nd: []\n", false },
	{ "yaml: texts that look like something else", "yaml",
	  "{ a: 'true', b: 'no', c: '12', d: '', e: 'n/a', f: '- x',"
	  "  g: 'a: b', h: 'a #b', i: 'null', j: '1e3', k: 'fs#1' }",
	  NULL,
	  "---\na: 'true'\nb: 'no'\nc: '12'\nd: ''\ne: n/a\nf: '- x'\n"
	  "g: 'a: b'\nh: 'a #b'\ni: 'null'\nj: '1e3'\nk: fs#1\n",
	  false },
	{ "yaml: lines", "yaml", "{ a: 'one\ntwo\n' }", NULL,
	  "---\na: |\n  one\n  two\n", false },
	{ "flat", "flat", "{ a: 1, b: { 'fs#1': [x, true] }, c: {}, d: [] }",
	  NULL,
	  ".a = 1\n.b[\"fs#1\"][0] = \"x\"\n.b[\"fs#1\"][1] = true\n"
	  ".c = {}\n.d = []\n",
	  false },
	{ "flat: nothing", "flat", "{}", NULL, ". = {}\n", false },
	{ "tab: a line per item of the only list", "tab=NODE:.name,N:.n", nodes,
	  NULL, "NODE  N\nhv1   3\nhv 2  12\n", false },
	{ "tab: of a list that is named", "tab=X:name", nodes, "nodes",
	  "X\nhv1\nhv 2\n", false },
	{ "tab: the document as a whole", "tab=N:.nodes[].name,M:.nodes[1].n",
	  nodes, "", "N         M\nhv1,hv 2  12\n", false },
	{ "tab: later in a stream", "tab=X:.name", nodes, NULL, "hv1\nhv 2\n",
	  true },
	{ "tab: lists, names in quotes, and what is not there",
	  "tab=AT:.at,M:.m[\"fs#1\"],UP:.up,Z:.z.y[3]", nodes, NULL,
	  "AT   M  UP    Z\na,b     true\n     x\n", false },
	{ "tab: a map is shown as JSON, on one line", "tab=M:.m", nodes, NULL,
	  "M\n\n{\"fs#1\": \"x\"}\n", false },
	{ "tab: lines become blanks", "tab=A:.a", "{ a: 'x\ny' }", "",
	  "A\nx y\n", false },
	{ "tab: a list of texts", "tab=A:.", "[x, y]", NULL, "A\nx\ny\n",
	  false },
};

static void document_gives(void **state)
{
	const struct print_row *r = *state;
	SCOPED(arena) struct arena *a = arena_new();
	struct output o;
	struct err err = { 0 };
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_int_equal(output_parse(r->format, &o, &err), 0);
	o.later = r->later;
	output_print(f, a, &o, doctext(a, r->doc), r->rows);
	fclose(f);
	assert_string_equal(text, r->want);
	free(text);
}

static void a_stream_of_json_is_lines(void **state)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct output o = { .format = OUTPUT_JSON, .stream = true };
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	output_print(f, a, &o, doctext(a, "{ a: [1, 2] }"), NULL);
	fclose(f);
	assert_string_equal(text, "{\"a\": [1, 2]}\n");
	free(text);
}

/* What is no format, and what is said of it. */
static const struct refusal {
	const char *name, *format, *complaint;
} refusals[] = {
	{ "a word", "xml", "unknown output format 'xml'" },
	{ "tab without columns", "tab", "unknown output format 'tab'" },
	{ "no column", "tab=", "'' is no column" },
	{ "no path", "tab=NODE", "'NODE' is no column" },
	{ "an empty path", "tab=NODE:", "'NODE:' is no column" },
	{ "no heading", "tab=:.name", "':.name' is no column" },
	{ "the second is wrong", "tab=A:.a,B", "'B' is no column" },
	{ "an open bracket", "tab=A:.a[0", "from '[0' on" },
	{ "no number", "tab=A:.a[x]", "from '[x]' on" },
	{ "less than nothing", "tab=A:.a[-1]", "from '[-1]' on" },
	{ "an open quote", "tab=A:.a[\"x]", "from '[\"x]' on" },
	{ "two dots", "tab=A:.a..b", "from '..b' on" },
	{ "a blank", "tab=A:.a b", "from ' b' on" },
};

static void format_is_refused(void **state)
{
	const struct refusal *r = *state;
	struct output o;
	struct err err = { 0 };

	assert_int_equal(output_parse(r->format, &o, &err), -EINVAL);
	assert_non_null(strstr(err.text, r->complaint));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_of_json_is_lines),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += TABLE_RUN(prints, document_gives);
	failed += TABLE_RUN(refusals, format_is_refused);
	return failed != 0;
}

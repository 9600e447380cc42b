/*
 * Any bytes as a status that was saved as JSON:
 *
 *     it is read, or refused with a reason;
 *     what was read is written and read again as the same, but for numbers
 *     with a fraction;
 *     whatever is in it, what is shown has no control character but the end of
 *     a line, and is the same the second time.
 */
#include <string.h>

#include "cli/show/json.h"
#include "cli/show/list.h"
#include "cli/show/output.h"
#include "cli/show/seed.h"
#include "cli/show/tree.h"
#include "fsm/status/status.h"
#include "tests/fuzz/fuzz.h"

static bool has_real(const struct doc *d)
{
	if (d->type == DOC_REAL)
		return true;
	for (size_t i = 0; i < doc_len(d); i++)
		if (has_real(doc_at(d, i)))
			return true;
	return false;
}

static void try_json(struct arena *a, const struct doc *d)
{
	struct buf b = BUF(a);
	struct doc *again;
	struct err err = { 0 };

	doc_json(&b, d, 2);
	PROMISE("what was written can be read",
		json_parse(a, buf_text(&b), b.len, &again, &err) == 0);
	PROMISE("and is the same", has_real(d) || doc_equal(d, again));
}

static void try_screen(struct arena *a, const struct doc *d, unsigned width)
{
	struct term t = { .width = width };
	struct tree_options o = { .self = "hv1", .wide = width % 2 };
	struct doc *all = doc_list(a);
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		abort();
	doc_add(a, all, doc_copy(a, d));
	tree_print(f, &t, a, d, &o);
	list_services(f, &t, a, all);
	fclose(f);
	PROMISE("something is shown", n > 0 && text[n - 1] == '\n');
	for (size_t i = 0; i < n; i++)
		PROMISE("it is text",
			text[i] == '\n' || ((unsigned char)text[i] >= ' ' &&
					    text[i] != 0x7f));
	free(text);
}

static void try_output(struct arena *a, const struct doc *d)
{
	static const char *const formats[] = { "json", "yaml", "flat",
					       "tab=A:.a,B:[].b,C:.[0]" };
	struct output o;
	struct err err;
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		abort();
	for (size_t i = 0; i < 4; i++)
		if (output_parse(formats[i], &o, &err) == 0)
			output_print(f, a, &o, d, NULL);
	fclose(f);
	free(text);
}

/* As the command line asks before it shows a document. */
static bool is_status(const struct doc *d)
{
	const struct doc *all = doc_get(d, "instances");

	if (!all)
		return instance_is_sound(d);
	if (all->type != DOC_MAP)
		return false;
	for (size_t i = 0; i < doc_len(all); i++)
		if (!instance_is_sound(doc_at(all, i)))
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct err err = { 0 };
	struct doc *d;

	if (json_parse(a, (const char *)data, size, &d, &err) < 0) {
		PROMISE("a refusal has a reason", *err.text);
		return 0;
	}
	try_json(a, d);
	try_output(a, d);
	if (!is_status(d))
		return 0;
	try_screen(a, d, 0);
	try_screen(a, d, 61);
	try_screen(a, d, 80);
	try_json(a, seed_status(a, d));
	return 0;
}

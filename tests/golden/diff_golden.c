/*
 * A case is two texts, after the lines "--- old" and "--- new". What comes out:
 * the change by meaning, as document and, after "@@", line by line.
 */
#include <string.h>

#include "fsm/rev/diff.h"
#include "fsm/rev/lines.h"
#include "golden.h"

static void show(struct arena *a, const struct golden_case *c, struct buf *out)
{
	const char *old = strstr(c->text, "--- old\n");
	const char *new = strstr(c->text, "--- new\n");
	const char *before, *after;
	struct diff d;

	if (!old || !new) {
		buf_puts(out, "a case has an old and a new text\n");
		return;
	}
	before = old + strlen("--- old\n");
	before = arena_printf(a, "%.*s", (int)(new - before), before);
	after = new + strlen("--- new\n");
	diff_texts(a, before, after, &d);
	diff_text(a, &d, out);
	if (diff_is_equal(&d))
		buf_puts(out, "equal\n");
	else if (diff_is_void(&d))
		buf_puts(out, "it means the same\n");
	doc_json(out, diff_doc(a, &d), 0);
	buf_puts(out, "\n");
	lines_unified(a, before, after, out);
}

int main(int argc, char **argv)
{
	return golden_main(argc, argv, show);
}

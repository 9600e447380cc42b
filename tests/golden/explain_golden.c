/* What `encap explain` says. @width: of the terminal; @as: json for the
 * document. The case is WHAT. */
#include <stdlib.h>
#include <string.h>

#include "fsm/conf/explain.h"
#include "fsm/conf/text.h"
#include "golden.h"

static void show(struct arena *a, const struct golden_case *c, struct buf *out)
{
	const char *width = golden_setting(a, c->text, "width");
	const char *as = golden_setting(a, c->text, "as");
	const char *body = golden_body(c->text);
	const char *what = text_trimmed(a, body, strlen(body));
	struct err err = { 0 };
	struct explained e;

	if (explain_find(a, what, &e, &err) < 0)
		buf_printf(out, "%s\n", err.text);
	else if (as)
		doc_json(out, explain_doc(a, &e), 2);
	else
		explain_text(&e, width ? (unsigned)atoi(width) : 0, out);
	if (as)
		buf_puts(out, "\n");
}

int main(int argc, char **argv)
{
	return golden_main(argc, argv, show);
}

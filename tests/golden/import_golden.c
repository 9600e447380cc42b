/* What becomes of env files of OpenSVC. @path: of the file; @as: json. */
#include <string.h>

#include "fsm/conf/import.h"
#include "golden.h"

static void show_problems(const struct problems *p, struct buf *out)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].fatal)
			buf_printf(out, "%s\n", p->at[i].text);
	if (p->fatal)
		buf_puts(out, "cannot be created before that is mended\n");
}

/* Nothing of the file is changed. */
static void show_text(const struct conf *c, const char *text, struct buf *out)
{
	struct buf same = BUF(out->arena);

	conf_text(c, &same);
	if (strcmp(buf_text(&same), text) != 0)
		buf_puts(out, "THE FILE WAS CHANGED\n");
}

static void show(struct arena *a, const struct golden_case *gc, struct buf *out)
{
	const char *path = golden_setting(a, gc->text, "path");
	const char *as = golden_setting(a, gc->text, "as");
	const char *text = golden_body(gc->text);
	struct import_file f = import_file(a, path);
	struct problems p = { .arena = a, .name = path };
	struct import in;
	struct conf *c;

	if (!f.service) {
		buf_printf(out, "left out: %s\n", f.why);
		return;
	}
	buf_printf(out, "service %s\n", f.service);
	c = conf_parse(a, text, strlen(text), &p);
	if (c) {
		conf_validate(a, c, f.service, &p);
		import_look(a, c, f.version, &p, &in);
		buf_printf(out, "of %s\n", import_version(&in));
		if (as)
			doc_json(out, import_doc(a, &in), 2);
		else
			import_text(&in, out);
		if (as)
			buf_puts(out, "\n");
		show_text(c, text, out);
	}
	show_problems(&p, out);
}

int main(int argc, char **argv)
{
	return golden_main(argc, argv, show);
}

/* Every problem of an env file at once, and whether they refuse it. */
#include <string.h>

#include "fsm/conf/conf.h"
#include "golden.h"

static void show(struct arena *a, const struct golden_case *c, struct buf *out)
{
	struct problems p = { .arena = a, .name = "web.conf" };
	struct conf *conf = conf_parse(a, c->text, strlen(c->text), &p);

	if (conf)
		conf_validate(a, conf, "web", &p);
	for (size_t i = 0; i < p.n; i++)
		buf_printf(out, "%s\n", p.at[i].text);
	buf_puts(out, conf && !p.fatal ? "accepted\n" : "refused\n");
}

int main(int argc, char **argv)
{
	return golden_main(argc, argv, show);
}

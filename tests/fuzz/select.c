/*
 * Any bytes as a selector (the first line) over three services: the file that
 * follows, an empty one, and one that cannot be read.
 *
 *     it is refused with a reason, or means the same whenever it is asked;
 *     "not" means the others; a name means that service.
 */
#include <errno.h>
#include <string.h>

#include "fsm/conf/select.h"
#include "fsm/conf/text.h"
#include "tests/fuzz/fuzz.h"

#define N 3

static int ask(struct arena *a, const char *text, const struct selectable *all,
	       bool *ret)
{
	struct err err = { 0 };
	int rc = select_services(a, text, all, N, "n1", ret, &err);

	PROMISE("a refusal has a reason", rc == 0 || *err.text);
	PROMISE("a reason is one line", !strchr(err.text, '\n'));
	PROMISE("it is no selector, or names what is not there",
		rc == 0 || rc == -EINVAL || rc == -ENOENT);
	return rc;
}

static void try_not(struct arena *a, const char *text,
		    const struct selectable *all, const bool *meant)
{
	const char *not = arena_printf(a, "!%s", text);
	bool others[N] = { false };

	/* With `,` or `+` in it the `!` is of the first part. */
	if (strpbrk(text, ",+") || ask(a, not, all, others) < 0)
		return;
	for (size_t i = 0; i < N; i++)
		PROMISE("not means the others", others[i] != meant[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct selectable all[N] = { { "web", NULL },
				     { "web-db", NULL },
				     { "mail.x", NULL } };
	struct problems p = { .arena = a };
	bool meant[N] = { false }, again[N] = { false };
	const char *text, *file;
	size_t n;

	text = text_copy(a, (const char *)data, size);
	if (size > 4096 || strlen(text) != size ||
	    text_bad_utf8(text, size) != size)
		return 0;
	n = strcspn(text, "\n");
	file = text + n + (text[n] == '\n');
	all[0].conf = conf_parse(a, file, strlen(file), &p);
	all[1].conf = conf_parse(a, "", 0, &p);
	text = text_copy(a, text, n);
	if (ask(a, text, all, meant) < 0)
		return 0;
	PROMISE("it means the same again",
		ask(a, text, all, again) == 0 &&
			memcmp(meant, again, sizeof(meant)) == 0);
	if (select_is_name(text))
		for (size_t i = 0; i < N; i++)
			PROMISE("a name means that service",
				meant[i] == text_equal(all[i].name, text));
	try_not(a, text, all, meant);
	return 0;
}

/* Which file of a tree of OpenSVC is a service, and how that is called. */
#include <string.h>

#include "fsm/conf/import.h"
#include "fsm/conf/text.h"

static const char kinds[] = "svc vol cfg sec usr ccfg nscfg";

/* The path's last parts, without the slashes. */
static struct names parts_of(struct arena *a, const char *path)
{
	struct names l = { 0 };
	size_t n = 1;

	for (const char *p = path; *p; p++)
		n += *p == '/';
	l.at = ARENA_VEC(a, const char *, n);
	while (*path) {
		n = strcspn(path, "/");
		if (n)
			l.at[l.n++] = text_copy(a, path, n);
		path += n + (path[n] == '/');
	}
	return l;
}

static const char *without_end(struct arena *a, const char *name,
			       const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	if (n <= m || !text_equal(name + n - m, end))
		return NULL;
	return text_copy(a, name, n - m);
}

static struct import_file no_service(struct arena *a, const char *what)
{
	return (struct import_file){ .why = arena_printf(a, "%s", what) };
}

/* NAME.conf below namespaces/NS/KIND/, KIND/, or neither. */
static struct import_file conf_file(struct arena *a, const struct names *parts,
				    const char *name)
{
	size_t n = parts->n;
	const char *kind = n > 1 ? parts->at[n - 2] : "";
	struct err err = { 0 };

	if (words_have("node cluster auth", name))
		return no_service(a, "of a node or cluster, not of a service");
	if (words_have(kinds, kind) && !text_equal(kind, "svc"))
		return no_service(
			a, arena_printf(a, "of the kind %s, not of a service",
					kind));
	/* There are no namespaces here: the name takes theirs with it. */
	if (n > 3 && text_equal(parts->at[n - 4], "namespaces") &&
	    !text_equal(parts->at[n - 3], "root"))
		name = arena_printf(a, "%s.%s", name, parts->at[n - 3]);
	if (name_check(name, &err) < 0)
		return no_service(a, err.text);
	return (struct import_file){ .service = name };
}

struct import_file import_file(struct arena *a, const char *path)
{
	struct names parts = parts_of(a, path);
	const char *last = parts.n ? parts.at[parts.n - 1] : "";
	const char *name = without_end(a, last, ".env");
	struct err err = { 0 };

	if (name && name_check(name, &err) < 0)
		return no_service(a, err.text);
	if (name)
		return (struct import_file){ .service = name, .version = 1 };
	name = without_end(a, last, ".conf");
	if (name)
		return conf_file(a, &parts, name);
	return no_service(a, "neither NAME.env nor NAME.conf");
}

#include "fsm/conf/automatic.h"

#include <string.h>

#include "fsm/conf/ini.h"
#include "fsm/conf/text.h"

#define MAX_DELAY_MS "3660000" /* its hour, and a minute */

/* The others that get it; "" if there are none. */
static const char *targets(const struct eval *e)
{
	bool near = e->nodes.n >= 2 || (e->nodes.n == 1 && !e->in_nodes);
	bool far = e->drpnodes.n >= 2 || (e->drpnodes.n == 1 && e->in_nodes);

	if (near)
		return far ? "nodes drpnodes" : "nodes";
	return far ? "drpnodes" : "";
}

/* "script" of an app, "cf" of a container: "" if it names none. */
static int named(struct eval *e, const struct resource *r, const char **ret,
		 struct err *err)
{
	bool app = text_equal(r->group, "app");
	const struct keyword *row;
	const char *type;
	struct value v;
	int rc;

	*ret = "";
	if (!app && !text_equal(r->group, "container"))
		return 0;
	rc = eval_type(e, r->rid, &type, err);
	if (rc < 0)
		return rc;
	row = eval_row(e, r->rid, type, app ? "script" : "cf");
	if (!row)
		return 0;
	rc = eval_value(e, r->rid, row, &v, NULL, err);
	if (rc == 0 && (app ? v.text[0] != '/' : v.text[0] == '/'))
		*ret = v.text;
	return rc < 0 ? rc : 0;
}

int automatic_is_there(struct eval *e, const struct resource *res, size_t n,
		       bool *ret, struct err *err)
{
	*ret = false;
	if (!*targets(e))
		return 0;
	*ret = ini_section(e->conf, AUTOMATIC_RID) != NULL;
	for (size_t i = 0; i < n && !*ret; i++) {
		const char *path;
		int rc = named(e, &res[i], &path, err);

		if (rc < 0)
			return rc;
		*ret = *path != '\0';
	}
	return 0;
}

static const char *sources(struct eval *e, const struct resource *res, size_t n)
{
	struct buf b = BUF(e->arena);

	for (size_t i = 0; i < n; i++) {
		const char *path;

		if (text_equal(res[i].group, "container") &&
		    named(e, &res[i], &path, NULL) == 0 && *path)
			buf_printf(&b, "%s%s", b.len ? " " : "", path);
	}
	return buf_text(&b);
}

void automatic_eval(struct eval *e, const struct resource *res, size_t n,
		    struct resource *r)
{
	const char *own[][2] = { { "target", targets(e) },
				 { "src", sources(e, res, n) },
				 { "dst", "/" },
				 { "schedule", "@60" },
				 { "sync_max_delay", MAX_DELAY_MS } };
	const size_t fixed = 3, all = sizeof(own) / sizeof(own[0]);
	const char **kw;
	size_t count = 0, at = 0;

	while (r->kw[count])
		count++;
	kw = ARENA_VEC(e->arena, const char *, count + 2 * all + 1);
	for (size_t i = 0; i < count; i += 2) {
		kw[at++] = r->kw[i];
		kw[at++] = r->kw[i + 1];
	}
	for (size_t i = 0; i < all; i++) {
		size_t k = 0;

		if (i >= fixed && eval_line(e, AUTOMATIC_RID, own[i][0]))
			continue;
		while (k < at && !text_equal(kw[k], own[i][0]))
			k += 2;
		kw[k] = own[i][0];
		kw[k + 1] = own[i][1];
		at = k == at ? at + 2 : at;
	}
	r->kw = kw;
}

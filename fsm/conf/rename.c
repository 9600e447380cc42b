#include <string.h>

#include "fsm/conf/conf.h"
#include "fsm/conf/ini.h"
#include "fsm/conf/text.h"

/* DEFAULT's keywords that name hypervisors. */
static bool names_nodes(const char *section, const char *option)
{
	static const char *const options[] = {
		"nodes",	"drpnodes",	    "drpnode",
		"flex_primary", "drp_flex_primary", NULL
	};

	for (size_t i = 0; strcmp(section, "DEFAULT") == 0 && options[i]; i++)
		if (strcmp(option, options[i]) == 0)
			return true;
	return false;
}

/* @value with @new for @old, once; NULL if @old is not in it. */
static const char *renamed(struct arena *a, const char *value, const char *old,
			   const char *new)
{
	struct names words = words_split(a, value);
	struct buf b = BUF(a);
	bool has = names_have(&words, new);

	if (!names_have(&words, old))
		return NULL;
	for (size_t i = 0; i < words.n; i++) {
		const char *w = words.at[i];

		if (strcmp(w, old) == 0 && has)
			continue;
		buf_printf(&b, "%s%s", b.len ? " " : "",
			   strcmp(w, old) == 0 ? new : w);
	}
	return buf_text(&b);
}

struct rename {
	struct conf_key from, to;
	const char *value;
};

static bool rename_of(struct arena *a, const struct ini_key *k, const char *old,
		      const char *new, struct rename *ret)
{
	const char *section = k->section->name;
	bool scope = strcmp(k->scope, old) == 0;
	const char *value = names_nodes(section, k->option)
				    ? renamed(a, k->value, old, new)
				    : NULL;

	*ret = (struct rename){
		{ section, k->option, k->scope },
		{ section, k->option, scope ? new : k->scope },
		value ? value : k->value,
	};
	return scope || value;
}

int conf_rename_node(struct conf *c, const char *old, const char *new,
		     struct err *err)
{
	struct rename *all = ARENA_VEC(c->arena, struct rename, c->n_keys + 1);
	int rc = 0, n = 0;

	for (size_t i = 0; i < c->n; i++)
		for (struct ini_key *k = c->sections[i]->keys; k; k = k->next)
			if (!c->sections[i]->gone && !k->gone &&
			    rename_of(c->arena, k, old, new, &all[n]))
				n++;
	for (int i = 0; i < n && rc >= 0; i++) {
		const struct rename *r = &all[i];

		if (strcmp(r->from.scope, r->to.scope) != 0) {
			if (!conf_raw(c, &r->to))
				rc = conf_set(c, &r->to, r->value, err);
			if (rc >= 0)
				rc = conf_unset(c, &r->from, err);
		} else {
			rc = conf_set(c, &r->to, r->value, err);
		}
	}
	return rc < 0 ? rc : n;
}

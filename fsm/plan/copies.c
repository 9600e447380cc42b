#include "fsm/plan/copies.h"

#include <string.h>

enum copies copies_word(const char *word)
{
	static const struct {
		const char *word;
		enum copies which;
	} words[] = { { "nodes", COPIES_NODES },
		      { "drp", COPIES_DRP },
		      { "drpnodes", COPIES_DRP },
		      { "all", COPIES_ALL } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].which;
	return COPIES_NONE;
}

const char *copies_action(enum copies which)
{
	if (which == COPIES_NODES)
		return "sync_nodes";
	return which == COPIES_DRP ? "sync_drp" : "sync_all";
}

bool copies_is(const struct resource *r)
{
	return strcmp(r->group, "sync") == 0 && resource_kw(r, "target");
}

/* In a list of words, separated by blanks or commas. */
static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	while (text && *text) {
		size_t len = strcspn(text, " ,");

		if (len == n && memcmp(text, word, n) == 0)
			return true;
		text += len;
		text += strspn(text, " ,");
	}
	return false;
}

static void add_others(struct names *ret, const struct names *l,
		       const char *self)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->at[i], self) != 0 && !names_have(ret, l->at[i]))
			ret->at[ret->n++] = l->at[i];
}

struct names copies_to(struct arena *a, const struct instance *inst,
		       const struct resource *r, enum copies which)
{
	const struct service_conf *sc = &inst->conf;
	const struct names *near =
		inst->level == LEVEL_ENCAP ? &sc->encapnodes : &sc->nodes;
	const char *target = resource_kw(r, "target");
	struct names ret = { .at = ARENA_VEC(a, const char *,
					     near->n + sc->drpnodes.n + 1) };

	if (which & COPIES_NODES && has_word(target, "nodes"))
		add_others(&ret, near, inst->node);
	if (which & COPIES_DRP && has_word(target, "drpnodes") &&
	    inst->level == LEVEL_HYPERVISOR)
		add_others(&ret, &sc->drpnodes, inst->node);
	if (which == COPIES_ALL && has_word(target, "local"))
		ret.at[ret.n++] = inst->node;
	return ret;
}

bool copies_any(const struct instance *inst, const struct resource *r,
		enum copies which)
{
	SCOPED(arena) struct arena *a = arena_new();

	return copies_is(r) && copies_to(a, inst, r, which).n > 0;
}

bool copies_sends(const struct instance *inst)
{
	const struct service_conf *sc = &inst->conf;
	bool drp = !names_have(&sc->nodes, inst->node);
	const struct names *l = drp ? &sc->drpnodes : &sc->nodes;
	const char *first =
		kw_find(inst->kw, drp ? "drp_flex_primary" : "flex_primary");

	if (strcmp(sc->topology, "flex") != 0 || inst->level == LEVEL_ENCAP)
		return true;
	if (!first || !*first)
		first = l->n ? l->at[0] : inst->node;
	return strcmp(first, inst->node) == 0;
}

bool copies_late(const struct resource *r, int64_t last_ms, int64_t now_ms)
{
	const char *text = resource_kw(r, "sync_max_delay");
	int64_t max = 0;

	/* A whole number, as it was evaluated. */
	for (; text && *text >= '0' && *text <= '9' && max < INT64_MAX / 100;
	     text++)
		max = max * 10 + (*text - '0');
	return !last_ms ||
	       now_ms - last_ms > (max > 0 ? max : COPIES_MAX_DELAY_MS);
}

bool copies_is_automatic(const struct resource *r)
{
	return strcmp(r->rid, "sync#i0") == 0;
}

/* -- older schedules ---------------------------------------------------------
 */

/* The next text in quotes of a JSON list; NULL at its end. */
static const char *quoted(struct arena *a, const char **at)
{
	const char *begin = strchr(*at, '"'), *end;

	if (!begin)
		return NULL;
	end = strchr(begin + 1, '"');
	if (!end)
		return NULL;
	*at = end + 1;
	return arena_printf(a, "%.*s", (int)(end - begin - 1), begin + 1);
}

/* [["02:00", "04:00"], ["12:00", "13:00"]], or one pair: 02:00-04:00,... */
static void put_ranges(struct arena *a, struct buf *b, const char *text)
{
	const char *from, *to;

	while (text && (from = quoted(a, &text)) && (to = quoted(a, &text)))
		buf_printf(b, "%s%s-%s", b->len ? "," : "", from, to);
	if (!b->len)
		buf_puts(b, "*");
}

static void put_days(struct arena *a, struct buf *b, const char *text)
{
	const char *day, *sep = " ";

	while (text && (day = quoted(a, &text))) {
		buf_printf(b, "%s%s", sep, day);
		sep = ",";
	}
}

/* @ms: whole milliseconds as text. */
static void put_interval(struct buf *b, const char *ms)
{
	size_t n = ms ? strlen(ms) : 0;

	if (n > 3)
		buf_printf(b, "@%.*ss", (int)(n - 3), ms);
}

const char *copies_schedule(struct arena *a, const struct resource *r)
{
	const char *text = resource_kw(r, "schedule");
	const char *period = resource_kw(r, "sync_period");
	const char *days = resource_kw(r, "sync_days");
	const char *interval = resource_kw(r, "sync_interval");
	struct buf b = BUF(a);

	if (!period && !days && !interval)
		return text ? text : "";
	put_ranges(a, &b, period);
	put_interval(&b, interval);
	put_days(a, &b, days);
	return buf_text(&b);
}

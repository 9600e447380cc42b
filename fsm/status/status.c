/*
 * How: every word comes from one table, `merge`, folded over whatever is to be
 * summed up. STATUS_UNDEF is where a fold begins; a fold over nothing ends as
 * n/a, while one over undefs alone stays undef: "nothing to say" and "not
 * known" are different answers.
 *
 * An instance: its non-optional resources make avail, all of them make
 * overall, and a warning or an error in a log makes overall warn. What runs in
 * a container is not judged here: its rows stay undef until
 * instance_fold_encap() brings the container's own document.
 */
#include "fsm/status/status.h"

#include <assert.h>
#include <string.h>

#define UP	   STATUS_UP
#define DOWN	   STATUS_DOWN
#define WARN	   STATUS_WARN
#define NA	   STATUS_NA
#define UNDEF	   STATUS_UNDEF
#define STDBY_UP   STATUS_STDBY_UP
#define STDBY_DOWN STATUS_STDBY_DOWN
#define SUU	   STATUS_SUU
#define SUD	   STATUS_SUD

// clang-format off
static const enum status merge[STATUS_N][STATUS_N] = {
	/*               UP    DOWN        WARN  NA          UNDEF       STDBY_UP  STDBY_DOWN  SUU   SUD */
	[UP]         = { UP,   WARN,       WARN, UP,         UP,         SUU,      WARN,       SUU,  WARN },
	[DOWN]       = { WARN, DOWN,       WARN, DOWN,       DOWN,       SUD,      STDBY_DOWN, WARN, SUD },
	[WARN]       = { WARN, WARN,       WARN, WARN,       WARN,       WARN,     WARN,       WARN, WARN },
	[NA]         = { UP,   DOWN,       WARN, NA,         NA,         STDBY_UP, STDBY_DOWN, SUU,  SUD },
	[UNDEF]      = { UP,   DOWN,       WARN, NA,         UNDEF,      STDBY_UP, STDBY_DOWN, SUU,  SUD },
	[STDBY_UP]   = { SUU,  SUD,        WARN, STDBY_UP,   STDBY_UP,   STDBY_UP, WARN,       SUU,  SUD },
	[STDBY_DOWN] = { WARN, STDBY_DOWN, WARN, STDBY_DOWN, STDBY_DOWN, WARN,     STDBY_DOWN, WARN, WARN },
	[SUU]        = { SUU,  WARN,       WARN, SUU,        SUU,        SUU,      WARN,       SUU,  WARN },
	[SUD]        = { WARN, SUD,        WARN, SUD,        SUD,        SUD,      WARN,       WARN, SUD },
};
// clang-format on

static const char *const names[STATUS_N] = {
	[UP] = "up",
	[DOWN] = "down",
	[WARN] = "warn",
	[NA] = "n/a",
	[UNDEF] = "undef",
	[STDBY_UP] = "stdby up",
	[STDBY_DOWN] = "stdby down",
	[SUU] = "up",
	[SUD] = "stdby up",
};

const char *status_name(enum status s)
{
	return (unsigned)s < STATUS_N ? names[s] : "undef";
}

enum status status_parse(const char *text)
{
	if (!text)
		return UNDEF;
	if (strcmp(text, "na") == 0)
		return NA;
	for (unsigned s = 0; s < SUU; s++)
		if (strcmp(text, names[s]) == 0)
			return (enum status)s;
	return UNDEF;
}

enum status status_said(const struct doc *d, const char *key)
{
	return status_parse(doc_get_str(d, key, NULL));
}

enum status status_merge(enum status a, enum status b)
{
	assert((unsigned)a < STATUS_N && (unsigned)b < STATUS_N);
	return merge[a][b];
}

enum status status_shown(enum status s)
{
	switch (s) {
	case SUU:
		return UP;
	case SUD:
		return STDBY_UP;
	case UP:
	case DOWN:
	case WARN:
	case NA:
	case UNDEF:
	case STDBY_UP:
	case STDBY_DOWN:
	case STATUS_N:
		break;
	}
	return s;
}

/* -- one instance ------------------------------------------------------ */

/* A sum that knows whether anything was summed. */
struct sum {
	enum status s;
	bool any;
};

#define SUM_INIT ((struct sum){ .s = UNDEF })

static void sum_add(struct sum *sum, enum status s)
{
	sum->s = status_merge(sum->s, s);
	sum->any = true;
}

static const char *sum_name(const struct sum *sum)
{
	return sum->any ? status_name(status_shown(sum->s)) : "n/a";
}

static enum status standby_of(enum status s)
{
	if (s == UP)
		return STDBY_UP;
	return s == DOWN ? STDBY_DOWN : s;
}

static enum status resource_status(const struct resource *r, enum status s)
{
	if (r->disable || r->nostatus)
		return NA;
	return r->standby ? standby_of(s) : s;
}

/* A sync that is up has nothing to report; one that is late is a warning. */
static enum status sync_counts(const struct resource *r, enum status s)
{
	if (strcmp(r->group, "sync") != 0)
		return s;
	if (s == UP)
		return NA;
	return s == DOWN ? WARN : s;
}

static bool log_alarms(const char *line)
{
	return strncmp(line, "warn: ", 6) == 0 ||
	       strncmp(line, "error: ", 7) == 0;
}

/* Appends the lines of @text to @log; true if one is a warning or worse. */
static bool log_add(struct arena *a, struct doc *log, const char *text)
{
	bool alarm = false;

	while (text && *text) {
		size_t n = strcspn(text, "\n");

		if (n > 0) {
			doc_add(a, log, doc_strn(a, text, n));
			alarm = alarm || log_alarms(text);
		}
		text += n + (text[n] == '\n');
	}
	return alarm;
}

static void put_flag(struct arena *a, struct doc *row, const char *key, bool on)
{
	if (on)
		doc_put_bool(a, row, key, true);
}

static void put_flags(struct arena *a, struct doc *row,
		      const struct resource *r, enum level level)
{
	put_flag(a, row, "monitor", r->monitor);
	put_flag(a, row, "disable", r->disable);
	put_flag(a, row, "optional", r->optional);
	put_flag(a, row, "encap", r->encap && level == LEVEL_HYPERVISOR);
	put_flag(a, row, "standby", r->standby);
	if (r->restart > 0)
		doc_put_int(a, row, "restart", r->restart);
	if (r->tags.n) {
		struct doc *tags = doc_put(a, row, "tags", doc_list(a));

		for (size_t i = 0; i < r->tags.n; i++)
			doc_add(a, tags, doc_str(a, r->tags.at[i]));
	}
	if (r->subset && *r->subset)
		doc_put_str(a, row, "subset", r->subset);
}

static void put_provisioned(struct arena *a, struct doc *row,
			    enum provisioned p)
{
	if (p != PROVISIONED_NA)
		doc_put_bool(a, doc_put(a, row, "provisioned", doc_map(a)),
			     "state", p == PROVISIONED_YES);
}

static const char *type_of(struct arena *a, const struct resource *r)
{
	if (!r->type || !*r->type)
		return r->group;
	return arena_printf(a, "%s.%s", r->group, r->type);
}

/* The row of one resource; *alarm is set if its log holds a warning. */
static struct doc *resource_row(struct arena *a, const struct resource *r,
				enum level level, enum status s,
				const struct probe *p, bool *alarm)
{
	struct doc *row = doc_map(a), *log = doc_list(a);

	doc_put_str(a, row, "status", status_name(s));
	doc_put_str(a, row, "type", type_of(a, r));
	if (p && p->label && *p->label)
		doc_put_str(a, row, "label", p->label);
	if (p && !r->disable && log_add(a, log, p->log))
		*alarm = true;
	if (r->nostatus && !r->disable)
		log_add(a, log, "info: nostatus tag");
	if (doc_len(log))
		doc_put(a, row, "log", log);
	put_flags(a, row, r, level);
	if (p)
		put_provisioned(a, row, p->provisioned);
	return row;
}

/* Copies, things that run now and then, and heartbeats say nothing of whether
 * the service is there. */
static bool counts_for_avail(const struct resource *r)
{
	return !r->optional && strcmp(r->group, "sync") != 0 &&
	       strcmp(r->group, "task") != 0 && strcmp(r->group, "hb") != 0;
}

static void group_add(struct arena *a, struct doc *groups, const char *group,
		      enum status s)
{
	const struct doc *was = doc_get(groups, group);
	enum status sum = was ? (enum status)was->num : UNDEF;

	doc_put_int(a, groups, group, status_merge(sum, s));
}

/* The sums as words. Beside resources that are up, a standby resource that is
 * up is simply up. */
static struct doc *groups_shown(struct arena *a, const struct doc *sums,
				enum status avail)
{
	struct doc *shown = doc_map(a);

	for (size_t i = 0; i < doc_len(sums); i++) {
		const struct doc *sum = doc_at(sums, i);
		enum status s = status_shown((enum status)sum->num);

		if (avail == SUU && s == STDBY_UP)
			s = UP;
		doc_put_str(a, shown, sum->key, status_name(s));
	}
	return shown;
}

/* Those that the env file says something of. */
static void put_subsets(struct arena *a, struct doc *d,
			const struct instance *inst)
{
	struct doc *map = NULL;

	for (size_t i = 0; i < inst->n_subsets; i++) {
		const struct subset *s = &inst->subsets[i];

		if (!*s->name)
			continue;
		if (!map)
			map = doc_put(a, d, "subsets", doc_map(a));
		doc_put_bool(
			a,
			doc_put(a, map,
				arena_printf(a, "%s:%s", s->group, s->name),
				doc_map(a)),
			"parallel", s->parallel);
	}
}

static void put_provision_sum(struct arena *a, struct doc *d,
			      const struct instance *inst,
			      const struct probe *probes)
{
	size_t n[PROVISIONED_YES + 1] = { 0 };

	for (size_t i = 0; i < inst->n; i++)
		if (inst->level == LEVEL_ENCAP || !inst->res[i].encap)
			n[probes[i].provisioned]++;
	if (n[PROVISIONED_YES] && n[PROVISIONED_NO])
		doc_put_str(a, d, "provisioned", "mixed");
	else if (n[PROVISIONED_YES] || n[PROVISIONED_NO])
		doc_put_bool(a, d, "provisioned", n[PROVISIONED_YES] > 0);
	else
		doc_put_str(a, d, "provisioned", "n/a");
}

struct doc *instance_status(struct arena *a, const struct instance *inst,
			    const struct probe *probes)
{
	struct doc *d = doc_map(a), *rows = doc_map(a), *groups = doc_map(a);
	struct sum avail = SUM_INIT, optional = SUM_INIT, overall;
	bool alarm = false, host = inst->level == LEVEL_HYPERVISOR;

	for (size_t i = 0; i < inst->n; i++) {
		const struct resource *r = &inst->res[i];
		bool inner = host && r->encap;
		enum status s = inner ? UNDEF : probes[i].status;

		s = resource_status(r, s);
		doc_put(a, rows, r->rid,
			resource_row(a, r, inst->level, s,
				     inner ? NULL : &probes[i], &alarm));
		if (inner)
			continue;
		s = sync_counts(r, s);
		sum_add(counts_for_avail(r) ? &avail : &optional, s);
		group_add(a, groups, r->group, s);
	}
	overall = avail;
	overall.s = status_shown(avail.s);
	if (optional.any)
		sum_add(&overall, status_shown(optional.s));
	if (alarm)
		sum_add(&overall, WARN);

	doc_put_str(a, d, "node", inst->node);
	doc_put_str(a, d, "level", host ? "hypervisor" : "encap");
	doc_put_str(a, d, "avail", sum_name(&avail));
	doc_put_str(a, d, "overall", sum_name(&overall));
	doc_put_str(a, d, "optional", sum_name(&optional));
	put_provision_sum(a, d, inst, probes);
	doc_put(a, d, "status_group", groups_shown(a, groups, avail.s));
	put_subsets(a, d, inst);
	doc_put(a, d, "resources", rows);
	return d;
}

/* -- is it one at all? -------------------------------------------------- */

static bool is_map_of(const struct doc *d, enum doc_type type)
{
	if (!d)
		return true;
	if (d->type != DOC_MAP)
		return false;
	for (size_t i = 0; i < doc_len(d); i++)
		if (doc_at(d, i)->type != type)
			return false;
	return true;
}

static bool are_lists(const struct doc *d, const char *const *keys)
{
	for (; *keys; keys++)
		if (doc_get(d, *keys) && doc_get(d, *keys)->type != DOC_LIST)
			return false;
	return true;
}

/* The part of a container has none of its own. */
static bool is_sound(const struct doc *d, bool inner)
{
	static const char *const lists[] = { "running", "drafts", "held",
					     NULL };
	const struct doc *encap = doc_get(d, "encap");

	if (!d || d->type != DOC_MAP || (inner && encap) ||
	    !is_map_of(doc_get(d, "resources"), DOC_MAP) ||
	    !is_map_of(doc_get(d, "subsets"), DOC_MAP) ||
	    (!is_map_of(encap, DOC_MAP) && encap->type != DOC_BOOL) ||
	    !is_map_of(doc_get(d, "status_group"), DOC_STR) ||
	    !are_lists(d, lists))
		return false;
	for (size_t i = 0; i < doc_len(encap); i++)
		if (!is_sound(doc_at(encap, i), true))
			return false;
	return true;
}

bool instance_is_sound(const struct doc *instance)
{
	return is_sound(instance, false);
}

/* -- does it run? ------------------------------------------------------ */

static bool list_has(const struct doc *list, const char *word)
{
	for (size_t i = 0; i < doc_len(list); i++)
		if (strcmp(doc_text(doc_at(list, i), ""), word) == 0)
			return true;
	return false;
}

static bool word_runs(const char *word)
{
	enum status s = status_parse(word);

	return s == UP || s == WARN || s == UNDEF;
}

static bool resource_runs(const struct doc *row)
{
	const char *type = doc_get_str(row, "type", "");

	if (doc_get_bool(row, "encap", false) ||
	    doc_get_bool(row, "standby", false) ||
	    list_has(doc_get(row, "tags"), "noaction") ||
	    strncmp(type, "sync", 4) == 0 || strncmp(type, "task", 4) == 0)
		return false;
	return word_runs(doc_get_str(row, "status", ""));
}

bool instance_is_busy(const struct doc *instance)
{
	return doc_is(instance, "state", "starting") ||
	       doc_is(instance, "state", "stopping") ||
	       doc_is(instance, "state", "provisioning") ||
	       doc_is(instance, "state", "unprovisioning");
}

bool instance_runs(const struct doc *instance)
{
	const struct doc *rows = doc_get(instance, "resources");

	if (!rows)
		return word_runs(doc_get_str(instance, "avail", ""));
	for (size_t i = 0; i < doc_len(rows); i++)
		if (resource_runs(doc_at(rows, i)))
			return true;
	return false;
}

#include "fsm/plan/actions.h"

#include <errno.h>
#include <string.h>

bool selection_is_empty(const struct selection *s)
{
	return !s->rids && !s->tags && !s->subsets && !s->upto && !s->downto &&
	       !s->standby;
}

static bool may_act(const struct instance *inst, const struct resource *r)
{
	return !r->disable && !r->noaction && group_rank(r->group) >= 0 &&
	       !(r->encap && inst->level == LEVEL_HYPERVISOR);
}

bool actions_is_run(const struct resource *r)
{
	return strcmp(r->group, "task") == 0 || strcmp(r->group, "sync") == 0;
}

bool actions_may_touch(const struct instance *inst, const struct resource *r)
{
	return !actions_is_run(r) && may_act(inst, r);
}

/* -- selections --------------------------------------------------------- */

static bool text_is(const char *text, const char *word, size_t len)
{
	return strlen(text) == len && memcmp(text, word, len) == 0;
}

/* By its rid, its group, or GROUP:SUBSET. */
static bool word_names(const struct resource *r, const char *word, size_t len)
{
	size_t g = strlen(r->group);

	return text_is(r->rid, word, len) || text_is(r->group, word, len) ||
	       (len > g && memcmp(word, r->group, g) == 0 && word[g] == ':' &&
		text_is(r->subset, word + g + 1, len - g - 1));
}

static bool is_in_subset(const struct resource *r, const char *word, size_t len)
{
	return *r->subset && text_is(r->subset, word, len);
}

/* Also a subset's bare name, for the ends of a sweep. */
static bool is_end(const struct resource *r, const char *word, size_t len)
{
	return word_names(r, word, len) || is_in_subset(r, word, len);
}

static bool has_tag(const struct resource *r, const char *word, size_t len)
{
	for (size_t i = 0; i < r->tags.n; i++)
		if (text_is(r->tags.at[i], word, len))
			return true;
	return false;
}

/* "b+c": all of them. */
static bool has_tags(const struct resource *r, const char *word, size_t len)
{
	for (size_t at = 0; at <= len;) {
		const char *plus = memchr(word + at, '+', len - at);
		size_t n = plus ? (size_t)(plus - word) - at : len - at;

		if (!has_tag(r, word + at, n))
			return false;
		at += n + 1;
	}
	return true;
}

typedef bool (*word_fn)(const struct resource *r, const char *word, size_t len);

static bool any_word(const struct resource *r, const char *words, word_fn fits)
{
	for (; *words; words += *words == ',') {
		size_t len = strcspn(words, ",");

		if (len && fits(r, words, len))
			return true;
		words += len;
	}
	return false;
}

/* The first or last place in start order that @word names, or -ENOENT. */
static int end_of(const struct instance *inst, const char *word, bool last,
		  size_t *ret, struct err *err)
{
	bool found = false;

	for (size_t i = 0; i < inst->n; i++) {
		const struct resource *r = &inst->res[i];

		if (!actions_may_touch(inst, r) ||
		    !is_end(r, word, strlen(word)))
			continue;
		if (!found || last)
			*ret = i;
		found = true;
	}
	if (found)
		return 0;
	return err_set(err, -ENOENT,
		       "%s has no resource, group or subset '%s' at this level",
		       inst->service, word);
}

/* Of the kind that the action is about. */
static bool is_meant(const struct instance *inst, const struct selection *s,
		     const struct resource *r)
{
	if (s->run)
		return strcmp(r->group, "task") == 0 && may_act(inst, r);
	if (s->copies)
		return may_act(inst, r) && copies_any(inst, r, s->copies);
	return actions_may_touch(inst, r);
}

static bool is_selected(const struct instance *inst, const struct selection *s,
			const struct resource *r)
{
	return is_meant(inst, s, r) && (!s->standby || r->standby) &&
	       (!s->rids || any_word(r, s->rids, word_names)) &&
	       (!s->tags || any_word(r, s->tags, has_tags)) &&
	       (!s->subsets || any_word(r, s->subsets, is_in_subset));
}

int actions_select(const struct instance *inst, const struct selection *s,
		   bool *ret, struct err *err)
{
	size_t from = 0, to = inst->n ? inst->n - 1 : 0;
	int rc = 0, n = 0;

	if (s->upto)
		rc = end_of(inst, s->upto, true, &to, err);
	if (rc == 0 && s->downto)
		rc = end_of(inst, s->downto, false, &from, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < inst->n; i++) {
		ret[i] = i >= from && i <= to &&
			 is_selected(inst, s, &inst->res[i]);
		n += ret[i];
	}
	if (n)
		return n;
	if (s->copies)
		return err_set(err, -ENOENT,
			       "nothing of %s is copied from %s to %s: 'encap "
			       "config %s' shows its sync sections",
			       inst->service, inst->node,
			       s->copies == COPIES_NODES ? "the other nodes"
			       : s->copies == COPIES_DRP ? "drpnodes"
							 : "any node",
			       inst->service);
	return err_set(err, -ENOENT,
		       "nothing of %s at this level is meant by that: 'encap "
		       "status %s' shows what there is",
		       inst->service, inst->service);
}

/* -- requirements ---------------------------------------------------------- */

/* What a state is called where it is required: a standby resource is in its
 * own states. */
static bool state_is(const struct resource *r, enum status st, const char *word,
		     size_t len)
{
	const char *name = status_name(status_shown(st));
	const char *standby = st == STATUS_UP	  ? "stdby up"
			      : st == STATUS_DOWN ? "stdby down"
						  : name;

	return text_is(name, word, len) ||
	       (r->standby && text_is(standby, word, len));
}

static bool any_state(const struct resource *r, enum status st,
		      const char *states, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *comma = memchr(states + at, ',', len - at);
		size_t end = comma ? (size_t)(comma - states) : len;
		size_t from = at, to = end;

		while (from < to && states[from] == ' ')
			from++;
		while (to > from && states[to - 1] == ' ')
			to--;
		if (state_is(r, st, states + from, to - from))
			return true;
		at = end + 1;
	}
	return false;
}

struct require {
	const char *rid, *states;
	size_t rid_len, states_len;
};

/* The next of "fs#1(up,warn) ip#1"; false at the end. */
static bool require_next(const char **at, struct require *ret)
{
	static const char by_default[] = "up,stdby up";
	const char *p = *at + strspn(*at, " ");
	size_t len = strcspn(p, " (");

	*ret = (struct require){ p, by_default, len, sizeof(by_default) - 1 };
	p += len;
	if (*p == '(') {
		ret->states = p + 1;
		ret->states_len = strcspn(p + 1, ")");
		p += 1 + ret->states_len;
		p += *p == ')';
	}
	*at = p;
	return len > 0;
}

static const struct resource *find_rid(const struct instance *inst,
				       const struct require *q, size_t *ret)
{
	for (size_t i = 0; i < inst->n; i++) {
		const struct resource *r = &inst->res[i];

		if (text_is(r->rid, q->rid, q->rid_len) &&
		    !(r->encap && inst->level == LEVEL_HYPERVISOR)) {
			*ret = i;
			return r;
		}
	}
	return NULL;
}

const char *actions_unmet(struct arena *a, const struct instance *inst,
			  const struct probe *probes, size_t i,
			  const char *action, bool *ret_skip)
{
	const struct resource *r = &inst->res[i], *other;
	const char *text =
		kw_find(r->common, arena_printf(a, "%s_requires", action));
	struct require q;
	size_t k;

	*ret_skip = false;
	while (text && require_next(&text, &q)) {
		if (text_is("impossible", q.rid, q.rid_len)) {
			*ret_skip = true;
			return arena_printf(a,
					    "%s %s is impossible by its "
					    "%s_requires",
					    action, r->rid, action);
		}
		other = find_rid(inst, &q, &k);
		if (other &&
		    !any_state(other, probes[k].status, q.states, q.states_len))
			return arena_printf(
				a,
				"%s %s requires %s in the state %.*s: it is "
				"%s",
				action, r->rid, other->rid, (int)q.states_len,
				q.states,
				status_name(status_shown(probes[k].status)));
	}
	return NULL;
}

/* -- triggers, subsets ----------------------------------------------------- */

const char *actions_trigger(const char *const *kw, const char *action,
			    bool after, bool blocking)
{
	const char *when = after ? "post_" : "pre_";

	for (; kw && *kw; kw += 2) {
		const char *name = kw[0];

		if ((strncmp(name, "blocking_", 9) == 0) != blocking)
			continue;
		name += blocking ? 9 : 0;
		if (strncmp(name, when, strlen(when)) == 0 &&
		    strcmp(name + strlen(when), action) == 0)
			return *kw[1] ? kw[1] : NULL;
	}
	return NULL;
}

const struct subset *actions_subset(const struct instance *inst,
				    const struct resource *r)
{
	for (size_t i = 0; i < inst->n_subsets; i++)
		if (strcmp(inst->subsets[i].group, r->group) == 0 &&
		    strcmp(inst->subsets[i].name, r->subset) == 0)
			return &inst->subsets[i];
	return NULL;
}

/* -- restarts ---------------------------------------------------------------
 */

uint64_t actions_hash(const char *const *words, size_t n, uint64_t more)
{
	uint64_t h = 14695981039346656037ULL; /* FNV-1a 64 */

	for (size_t i = 0; i < n; i++)
		for (const char *p = words[i];; p++) {
			h = (h ^ (unsigned char)*p) * 1099511628211ULL;
			if (!*p)
				break;
		}
	h ^= more * 0x9e3779b97f4a7c15ULL;
	/* Its low bits depend on little; mixed as in SplitMix64 (Steele, Lea,
	 * Flood 2014). */
	h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9ULL;
	h = (h ^ (h >> 27)) * 0x94d049bb133111ebULL;
	return h ^ (h >> 31);
}

#define BACKOFF_DOUBLINGS 6

int64_t actions_restart_wait_ms(const struct instance *inst,
				const struct resource *r, unsigned restarts)
{
	const char *words[] = { inst->service, inst->node, r->rid };
	unsigned doublings = restarts > 1 ? restarts - 1 : 0;
	int64_t ms;

	if (!restarts || r->restart_delay_ms <= 0)
		return 0;
	if (doublings > BACKOFF_DOUBLINGS)
		doublings = BACKOFF_DOUBLINGS;
	if (r->restart_delay_ms > INT64_MAX >> (BACKOFF_DOUBLINGS + 1))
		return r->restart_delay_ms;
	ms = r->restart_delay_ms << doublings;
	if (restarts == 1)
		return ms;
	return ms + (int64_t)(actions_hash(words, 3, restarts) %
			      (uint64_t)(ms / 4 + 1));
}

/* -- what stays down ---------------------------------------------------------
 */

static bool may_monitor(const struct instance *inst, const char *word,
			bool node_too)
{
	if (strcmp(word, "switch") == 0)
		return strcmp(inst->conf.orchestrate, "ha") == 0;
	if (strcmp(word, "reboot") == 0 || strcmp(word, "crash") == 0)
		return node_too;
	return true;
}

const char *actions_monitor(const struct instance *inst, bool node_too)
{
	static const char *const words[] = { "none", "freezestop", "switch",
					     "reboot", "crash" };
	const char *text = kw_find(inst->kw, "monitor_action");

	while (text && *text) {
		size_t len = strcspn(text, " ");

		for (size_t i = 0; i < 5; i++)
			if (text_is(words[i], text, len) &&
			    may_monitor(inst, words[i], node_too))
				return words[i];
		text += len + strspn(text + len, " ");
	}
	return "none";
}

/*
 * How: one `watch` is always open at the agent, so actions are printed as they
 * begin; the status is looked at after each answer, and once a second anyway:
 * an event may tell of what the status document has not got yet, and a state
 * may change without one.
 *
 * The verdict rests on what the instances say, not on events. What an instance
 * said before the intent does not count against it: a "start failed" that is
 * the same document as before is old news until it has been there for
 * OLD_NEWS_MS. A service that is blocked may be so for a moment (a lease runs
 * out); only when it has been for BLOCKED_MS it is over.
 */
#include "cli/wait.h"

#include <string.h>
#include <time.h>

#define DEFAULT_MS  (5 * 60 * 1000)
#define LOOK_MS	    1000
#define OLD_NEWS_MS 5000
#define BLOCKED_MS  8000

int wait_timeout(struct cli *c, int64_t *ret_ms)
{
	const char *text = c->opt[OPT_TIMEOUT];

	*ret_ms = text ? cli_duration_ms(text) : DEFAULT_MS;
	if (*ret_ms < 0)
		return cli_usage(c, "'%s' is no time: 90s, 5m, 1h", text);
	if (c->opt[OPT_WAIT] && c->opt[OPT_NO_WAIT])
		return cli_usage(c, "--wait and --no-wait exclude each other");
	return CLI_DONE;
}

/* -- the verdict ----------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static bool is_settled(const struct doc *inst)
{
	return strcmp(doc_get_str(inst, "state", "idle"), "idle") == 0;
}

static bool is_up(const struct doc *d)
{
	return doc_is(d, "avail", "up");
}

static bool is_down(const struct doc *d)
{
	const char *w = doc_get_str(d, "avail", "undef");

	return strcmp(w, "down") == 0 || strcmp(w, "n/a") == 0 ||
	       strncmp(w, "stdby", 5) == 0;
}

static bool is_fresh(const struct doc *inst)
{
	return doc_get(inst, "stale") == NULL;
}

static bool slave_counts(const struct wait_goal *g, const struct doc *inner)
{
	if (doc_len(g->slaves) == 0)
		return true;
	for (size_t i = 0; i < doc_len(g->slaves); i++) {
		const char *name = doc_text(doc_at(g->slaves, i), "");

		if (strcmp(name, inner->key) == 0 ||
		    doc_is(inner, "node", name) ||
		    doc_is(inner, "hostname", name))
			return true;
	}
	return false;
}

/* Nothing is there to be up: no document of its agent, or no resource. */
static bool inner_is_up(const struct doc *inner)
{
	if (is_up(inner))
		return is_settled(inner);
	return doc_is(inner, "avail", "n/a") && !doc_get(inner, "why") &&
	       is_settled(inner);
}

/* All containers of the instance that count are as @up says. */
static bool inners_are(const struct wait_goal *g, const struct doc *inst,
		       bool up)
{
	const struct doc *all = doc_get(inst, "encap");

	for (size_t i = 0; i < doc_len(all); i++) {
		const struct doc *inner = doc_at(all, i);

		if (!slave_counts(g, inner))
			continue;
		if (up ? !inner_is_up(inner)
		       : !is_down(inner) && is_fresh(inner))
			return false;
	}
	return true;
}

/* The hypervisor's own resources alone: avail has the containers in it. */
static bool groups_are_up(const struct doc *inst)
{
	const struct doc *groups = doc_get(inst, "status_group");

	if (!groups)
		return is_up(inst);
	for (size_t i = 0; i < doc_len(groups); i++) {
		const char *w = doc_text(doc_at(groups, i), "");

		if (strcmp(doc_at(groups, i)->key, "sync") != 0 &&
		    strcmp(w, "up") != 0 && strcmp(w, "n/a") != 0)
			return false;
	}
	return doc_len(groups) > 0;
}

static bool instance_is_up(const struct wait_goal *g, const struct doc *inst)
{
	if (!is_fresh(inst) || !is_settled(inst))
		return false;
	if (!g->encap)
		return groups_are_up(inst);
	if (!g->hypervisor)
		return doc_get(inst, "encap") ? inners_are(g, inst, true)
					      : is_up(inst);
	return is_up(inst) && inners_are(g, inst, true);
}

static bool instance_is_down(const struct wait_goal *g, const struct doc *inst)
{
	if (!is_settled(inst))
		return false;
	if (!g->hypervisor)
		return doc_get(inst, "encap") ? inners_are(g, inst, false)
					      : is_down(inst);
	return is_down(inst);
}

static bool any_is_up(const struct wait_goal *g, const struct doc *instances)
{
	for (size_t i = 0; i < doc_len(instances); i++) {
		const struct doc *inst = doc_at(instances, i);

		/* Only one that runs the containers can show them up. */
		if (!g->hypervisor && doc_get(inst, "encap") && is_down(inst))
			continue;
		if (instance_is_up(g, inst))
			return true;
	}
	return false;
}

/* Of a flex service flex_target instances; where the encap level has nodes of
 * its own, those by themselves, and what is in their containers by itself. */
static bool enough_are_up(const struct wait_goal *g, const struct doc *status)
{
	const struct doc *instances = doc_get(status, "instances");
	const struct doc *farm = doc_get(status, "encap");
	int64_t want = doc_get_int(status, "flex_target", 1), n = 0;
	int64_t inside = doc_get_int(farm, "flex_target", 1);

	if (!farm && want <= 1)
		return any_is_up(g, instances);
	if (!g->hypervisor)
		want = 0;
	for (size_t i = 0; i < doc_len(instances); i++) {
		const struct doc *inst = doc_at(instances, i);

		n += farm ? is_fresh(inst) && is_settled(inst) &&
				     groups_are_up(inst)
			  : instance_is_up(g, inst);
	}
	return n >= want && (!farm || !g->encap ||
			     (int64_t)doc_len(doc_get(farm, "up")) >= inside);
}

/* An instance that cannot be seen cannot be waited for. */
static bool all_are_down(const struct wait_goal *g, const struct doc *instances)
{
	for (size_t i = 0; i < doc_len(instances); i++) {
		const struct doc *inst = doc_at(instances, i);

		if (is_fresh(inst) && !instance_is_down(g, inst))
			return false;
	}
	return true;
}

/* It is kept as one until all that it is about was stopped; that of the encap
 * level alone for each container. */
static bool restart_goes_on(const struct doc *intent)
{
	const struct doc *slaves = doc_get(intent, "slaves");

	for (size_t i = 0; i < doc_len(slaves); i++)
		if (doc_is(doc_at(slaves, i), "want", "restart"))
			return false;
	return !doc_is(intent, "want", "restart");
}

/* Of a hypervisor, or of a container in one that runs it. */
static const struct doc *instance_named(const struct doc *instances,
					const char *node)
{
	const struct doc *found = doc_get(instances, node);

	for (size_t i = 0; !found && i < doc_len(instances); i++) {
		const struct doc *inners =
			doc_get(doc_at(instances, i), "encap");

		for (size_t k = 0; !found && k < doc_len(inners); k++)
			if (doc_is(doc_at(inners, k), "node", node))
				found = doc_at(inners, k);
	}
	return found;
}

static bool is_there(const struct wait_goal *g, const struct doc *status)
{
	const struct doc *instances = doc_get(status, "instances");
	const struct doc *at;

	switch (g->want) {
	case WAIT_UP:
		return enough_are_up(g, status);
	case WAIT_DOWN:
		return all_are_down(g, instances);
	case WAIT_RESTARTED:
		return restart_goes_on(doc_get(status, "intent")) &&
		       enough_are_up(g, status);
	case WAIT_ACT:
		break;
	case WAIT_MOVED:
		at = doc_get(instances, g->node);
		if (at)
			return instance_is_up(g, at);
		at = instance_named(instances, g->node);
		return at && inner_is_up(at) && is_fresh(at);
	}
	return false;
}

/* Someone else asked for the opposite since. */
static bool is_overtaken(const struct wait_goal *g, const struct doc *intent)
{
	const char *against = g->want == WAIT_DOWN ? "started" : "stopped";

	return doc_get_int(intent, "seq", 0) > g->seq && g->hypervisor &&
	       doc_is(intent, "want", against);
}

/* What an instance says of itself, but for what changes by itself. */
static bool is_old_news(const struct wait_goal *g, const struct doc *inst)
{
	const struct doc *was =
		doc_get(doc_get(g->before, "instances"), inst->key);

	return was && doc_is(was, "state", doc_get_str(inst, "state", "")) &&
	       doc_is(was, "error", doc_get_str(inst, "error", "")) &&
	       doc_get_int(was, "token", 0) == doc_get_int(inst, "token", 0);
}

static const char *failure_of(struct arena *a, const struct doc *inst)
{
	const char *state = doc_get_str(inst, "state", "");
	const char *error = doc_get_str(inst, "error", "");

	if (!ends_with(state, " failed"))
		return NULL;
	return arena_printf(a, "%s: %s%s%s", inst->key, state,
			    *error ? ": " : "", error);
}

/* The first instance, or container in one, that has given up. */
static const char *find_failure(struct arena *a, const struct wait_goal *g,
				const struct doc *instances)
{
	for (size_t i = 0; i < doc_len(instances); i++) {
		const struct doc *inst = doc_at(instances, i);
		const struct doc *inners = doc_get(inst, "encap");
		const char *why = failure_of(a, inst);

		for (size_t j = 0; !why && j < doc_len(inners); j++)
			why = failure_of(a, doc_at(inners, j));
		if (why && is_fresh(inst) && !is_old_news(g, inst))
			return why;
	}
	return NULL;
}

static enum wait_verdict judge_act(struct arena *a, const struct wait_goal *g,
				   const struct doc *status,
				   const char **ret_why)
{
	const struct doc *instances = doc_get(status, "instances");
	size_t n = doc_len(g->nodes);

	for (size_t i = 0; i < n + doc_len(g->peers); i++) {
		const struct doc *name =
			i < n ? doc_at(g->nodes, i) : doc_at(g->peers, i - n);
		const char *node = doc_text(name, "");
		const struct doc *inst = instance_named(instances, node);
		const char *error = doc_get_str(inst, "act_error", "");
		int64_t act = doc_get_int(inst, "act", 0);

		/* What is not there does its part when it is back. */
		if (i >= n && (!inst || !is_fresh(inst)))
			continue;
		if (act < g->seq) {
			*ret_why = doc_get_str(status, "blocked", "");
			return **ret_why ? WAIT_BLOCKED : WAIT_MORE;
		}
		if (*error && act == g->seq) {
			*ret_why = arena_printf(a, "%s: %s", node, error);
			return WAIT_FAILED;
		}
	}
	return WAIT_THERE;
}

/* A start that failed on one node is tried on the next; where there is none
 * the agent says what it is blocked by. */
static bool goes_on_elsewhere(const struct wait_goal *g,
			      const struct doc *status)
{
	return (g->want == WAIT_UP || g->want == WAIT_RESTARTED) &&
	       g->hypervisor && doc_is(status, "orchestrate", "ha") &&
	       doc_get(status, "assigns") &&
	       !*doc_get_str(status, "blocked", "");
}

enum wait_verdict wait_judge(struct arena *a, const struct wait_goal *g,
			     const struct doc *status, const char **ret_why)
{
	const struct doc *intent = doc_get(status, "intent");
	const char *blocked = doc_get_str(status, "blocked", "");
	const char *why;

	*ret_why = "";
	if (g->want == WAIT_ACT)
		return judge_act(a, g, status, ret_why);
	/* The agent that is asked may be behind the one that agreed. */
	if (intent && doc_get_int(intent, "seq", g->seq) < g->seq)
		return WAIT_MORE;
	if (is_overtaken(g, intent)) {
		*ret_why = arena_printf(
			a, "overtaken: the service was asked to be %s since",
			doc_get_str(intent, "want", "?"));
		return WAIT_FAILED;
	}
	if (is_there(g, status))
		return WAIT_THERE;
	why = find_failure(a, g, doc_get(status, "instances"));
	if (why && !goes_on_elsewhere(g, status)) {
		*ret_why = why;
		return WAIT_FAILED;
	}
	*ret_why = blocked;
	return *blocked ? WAIT_BLOCKED : WAIT_MORE;
}

/* -- following it ---------------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct follow {
	struct cli *c;
	const struct wait_goal *goal;
	int64_t started, until;
	int64_t blocked_since;
	struct doc *cursor;
	int64_t watch;	  /* id of the open question; 0: none */
	const char *said; /* what is blocked, as last printed */
	struct doc *status;
};

static struct doc *args_for(struct cli *c, const char *service,
			    const struct doc *cursor)
{
	struct doc *args = doc_map(c->arena);

	doc_put_str(c->arena, args, "name", service);
	if (cursor)
		doc_put(c->arena, args, "cursor", doc_copy(c->arena, cursor));
	return args;
}

struct doc *wait_cursor(struct cli *c, const char *service)
{
	struct doc *args = args_for(c, service, NULL);
	struct reply r;

	doc_put_int(c->arena, args, "limit", 1);
	if (cli_ask(c, "events", args, &r) != CLI_DONE || r.code != CLI_DONE)
		return NULL;
	return doc_get(r.data, "cursor");
}

/* "hv2  fs#1  started": node, resource, what is done with it. */
static void print_action(const struct cli *c, const struct doc *e)
{
	const char *rid = doc_get_str(e, "rid", "");

	if (!doc_is(e, "kind", "action"))
		return;
	fprintf(c->err, "  %-10s %-14s %s\n", doc_get_str(e, "node", "?"), rid,
		doc_get_str(e, "text", ""));
	fflush(c->err);
}

/* The answer to the open watch, if it comes within @ms. */
static int follow_watch(struct follow *f, int ms)
{
	struct cli *c = f->c;
	const struct doc *events;
	struct err err = { 0 };
	struct reply r;
	int rc = 0;

	if (!f->watch)
		rc = client_send(c->client, "watch",
				 args_for(c, f->goal->service, f->cursor),
				 &f->watch, &err);
	if (rc == 0)
		rc = client_wait(c->client, c->arena, f->watch, ms, &r, &err);
	if (rc < 0)
		return cli_error(c, CLI_FAILED, "%s", err.text);
	if (rc == CLIENT_LATE)
		return CLI_DONE;
	f->watch = 0;
	if (r.code != CLI_DONE)
		return cli_refused(c, &r);
	events = doc_get(r.data, "events");
	for (size_t i = 0; i < doc_len(events); i++)
		print_action(c, doc_at(events, i));
	if (doc_get(r.data, "cursor"))
		f->cursor = doc_get(r.data, "cursor");
	return CLI_DONE;
}

static int follow_look(struct follow *f)
{
	struct cli *c = f->c;

	return cli_call(c, "status", args_for(c, f->goal->service, NULL),
			&f->status);
}

/* True once a reason for not getting on has been there for long enough. */
static bool blocked_for_good(struct follow *f, const char *why)
{
	if (!f->said || strcmp(f->said, why) != 0) {
		fprintf(f->c->err, "  waiting: %s\n", why);
		f->said = why;
		if (!f->blocked_since)
			f->blocked_since = now_ms();
	}
	return now_ms() - f->blocked_since > BLOCKED_MS;
}

/* -1: go on. Otherwise the exit code. */
static int follow_judge(struct follow *f)
{
	struct wait_goal g = *f->goal;
	const char *why;

	if (now_ms() - f->started > OLD_NEWS_MS)
		g.before = NULL;
	switch (wait_judge(f->c->arena, &g, f->status, &why)) {
	case WAIT_THERE:
		return CLI_DONE;
	case WAIT_FAILED:
		return cli_error(f->c, CLI_FAILED,
				 "%s; encap status %s shows where it stands",
				 why, g.service);
	case WAIT_BLOCKED:
		if (blocked_for_good(f, why))
			return cli_error(f->c, CLI_FAILED, "%s", why);
		return -1;
	case WAIT_MORE:
		f->blocked_since = 0;
		return -1;
	}
	return -1;
}

static int follow_late(const struct follow *f)
{
	struct arena *a = f->c->arena;
	const char *avail = doc_get_str(f->status, "avail", "unknown");
	int64_t ms = f->until - f->started;

	return cli_error(f->c, CLI_TIMEOUT,
			 "not done after %s: the service is %s; it goes on by "
			 "itself, encap status %s shows it",
			 text_age(a, ms), avail, f->goal->service);
}

int wait_run(struct cli *c, const struct wait_goal *g, const struct doc *cursor,
	     int64_t timeout_ms)
{
	struct follow f = { .c = c, .goal = g, .started = now_ms() };

	f.until = f.started + timeout_ms;
	f.cursor = cursor ? doc_copy(c->arena, cursor) : NULL;
	for (;;) {
		int64_t left;
		int rc = follow_look(&f);

		if (rc != CLI_DONE)
			return rc;
		rc = follow_judge(&f);
		if (rc >= 0)
			return rc;
		left = f.until - now_ms();
		if (left <= 0)
			return follow_late(&f);
		rc = follow_watch(&f, left < LOOK_MS ? (int)left : LOOK_MS);
		if (rc != CLI_DONE)
			return rc;
	}
}

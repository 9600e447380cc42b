/*
 * The status model. A file is named after the section of the specification
 * whose table it holds, and a case says what it does:
 *
 *     @do: merge      lines of two or more words; what they make, in any order
 *     @do: table      the whole table of merges
 *     @do: instance   resources, as below; the instance's words, and each row
 *     @do: encap      the same, and behind "> RID FACT..." what runs in that
 *                     container; what is folded into the hypervisor's part
 *     @do: service    instances: NODE AVAIL [overall=WORD] [frozen] [stale]
 *                     [provisioned=WORD]; @topology, @orchestrate, @flex: MIN
 *                     MAX TARGET
 *     @do: tree       a status in JSON; the tree. @self: NODE, @width: N,
 *                     @flags: wide, @colour: yes (^[ for escape)
 *     @do: list       a list of statuses in JSON; a line each
 *     @do: json       a status in JSON; what svcmgr prints of it
 *
 * A resource is RID STATUS and what the env file and the driver say of it:
 * optional, required, standby, disable, monitor, noaction, nostatus, encap,
 * subset=NAME, restart=N, provisioned=yes or no, and last log=LEVEL: TEXT. A
 * FACT is channel=WORD, old, outdated, expected, age=MS or, last, detail=TEXT.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/show/json.h"
#include "cli/show/list.h"
#include "cli/show/seed.h"
#include "cli/show/tree.h"
#include "fsm/status/status.h"
#include "golden.h"

#define MAX_RES 32

/* -- lines and words ------------------------------------------------------ */

/* The next line that is not empty; NULL at the end. */
static const char *next_line(struct arena *a, const char **text)
{
	while (**text) {
		size_t n = strcspn(*text, "\n");
		const char *line = arena_printf(a, "%.*s", (int)n, *text);

		*text += n + ((*text)[n] == '\n');
		if (*line)
			return line;
	}
	return NULL;
}

static const char *next_word(struct arena *a, const char **line)
{
	size_t n;
	const char *word;

	*line += strspn(*line, " ");
	n = strcspn(*line, " ");
	word = arena_printf(a, "%.*s", (int)n, *line);
	*line += n;
	return n ? word : NULL;
}

static const char *value_of(const char *word, const char *key)
{
	size_t n = strlen(key);

	return strncmp(word, key, n) == 0 && word[n] == '=' ? word + n + 1
							    : NULL;
}

/* "stdby-up" is one word. */
static enum status status_word(struct arena *a, const char *word)
{
	char *text = arena_printf(a, "%s", word), *dash = strchr(text, '-');

	if (strcmp(word, "SUU") == 0)
		return STATUS_SUU;
	if (strcmp(word, "SUD") == 0)
		return STATUS_SUD;
	if (dash)
		*dash = ' ';
	return status_parse(text);
}

static const char *shown(enum status s)
{
	if (s == STATUS_SUU)
		return "SUU";
	return s == STATUS_SUD ? "SUD" : status_name(s);
}

/* -- 4.2 ------------------------------------------------------------------- */

static void show_merge(struct arena *a, const char *text, struct buf *out)
{
	const char *line;

	while ((line = next_line(a, &text))) {
		const char *rest = line, *word;
		enum status sum = STATUS_UNDEF;

		while ((word = next_word(a, &rest)))
			sum = status_merge(sum, status_word(a, word));
		buf_printf(out, "%s -> %s, shown as %s\n", line, shown(sum),
			   status_name(status_shown(sum)));
	}
}

static void show_table(struct buf *out)
{
	buf_printf(out, "%-10s", "+");
	for (unsigned i = 0; i < STATUS_N; i++)
		buf_printf(out, " %-10s", shown((enum status)i));
	for (unsigned i = 0; i < STATUS_N; i++) {
		buf_printf(out, "\n%-10s", shown((enum status)i));
		for (unsigned k = 0; k < STATUS_N; k++)
			buf_printf(out, " %-10s",
				   shown(status_merge((enum status)i,
						      (enum status)k)));
	}
	buf_puts(out, "\n");
}

/* -- 4.3, 4.4 and 3.7 ------------------------------------------------------ */

struct scene {
	struct arena *arena;
	struct resource res[MAX_RES];
	struct probe found[MAX_RES];
	size_t n;
};

static bool take_flag(struct resource *r, const char *word)
{
	const struct {
		const char *word;
		bool *flag;
	} flags[] = {
		{ "optional", &r->optional }, { "standby", &r->standby },
		{ "disable", &r->disable },   { "monitor", &r->monitor },
		{ "noaction", &r->noaction }, { "nostatus", &r->nostatus },
		{ "encap", &r->encap },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (strcmp(word, flags[i].word) != 0)
			continue;
		*flags[i].flag = true;
		return true;
	}
	return false;
}

static void take_setting(struct scene *s, struct resource *r, struct probe *p,
			 const char *word)
{
	const char *subset = value_of(word, "subset");
	const char *restart = value_of(word, "restart");
	const char *made = value_of(word, "provisioned");

	if (subset)
		r->subset = subset;
	else if (restart)
		r->restart = atoll(restart);
	else if (made)
		p->provisioned = strcmp(made, "yes") == 0 ? PROVISIONED_YES
							  : PROVISIONED_NO;
	else if (strcmp(word, "required") == 0)
		r->optional = false;
	else if (!take_flag(r, word))
		p->log =
			arena_printf(s->arena, "error: no such word: %s", word);
	if (r->noaction) /* the env file language has it so */
		r->optional = true;
}

static void take_resource(struct scene *s, const char *line)
{
	struct arena *a = s->arena;
	struct resource *r = &s->res[s->n];
	struct probe *p = &s->found[s->n];
	const char *word;

	if (s->n + 1 == MAX_RES)
		abort();
	s->n++;
	*r = (struct resource){ .rid = next_word(a, &line), .subset = "" };
	r->group = arena_printf(a, "%.*s", (int)strcspn(r->rid, "#"), r->rid);
	r->type = "";
	r->optional =
		strcmp(r->group, "sync") == 0 || strcmp(r->group, "task") == 0;
	word = next_word(a, &line);
	*p = (struct probe){ .status = status_word(a, word ? word : ""),
			     .label = "",
			     .log = "" };
	while ((word = next_word(a, &line))) {
		if (value_of(word, "log")) {
			line -= strlen(word) - 4;
			p->log = line;
			return;
		}
		take_setting(s, r, p, word);
	}
}

static struct doc *scene_doc(struct scene *s, enum level level)
{
	struct instance inst = { .service = "web",
				 .node = level == LEVEL_ENCAP ? "vm1" : "hv1",
				 .level = level,
				 .res = s->res,
				 .n = s->n };

	return instance_status(s->arena, &inst, s->found);
}

/* "warn" is a word and also a level of a log: the reader sees which. */
static void show_instance(struct buf *out, const struct doc *d)
{
	const struct doc *groups = doc_get(d, "status_group");
	const struct doc *rows = doc_get(d, "resources");

	buf_printf(out, "avail %s, overall %s, optional %s, provisioned ",
		   doc_get_str(d, "avail", "?"), doc_get_str(d, "overall", "?"),
		   doc_get_str(d, "optional", "?"));
	buf_printf(out, "%s\n",
		   doc_text(doc_get(d, "provisioned"),
			    doc_get_bool(d, "provisioned", false) ? "true"
								  : "false"));
	for (size_t i = 0; i < doc_len(groups); i++)
		buf_printf(out, "%s%s %s",
			   i ? ", " : "groups: ", doc_at(groups, i)->key,
			   doc_text(doc_at(groups, i), "?"));
	if (doc_len(groups))
		buf_puts(out, "\n");
	for (size_t i = 0; i < doc_len(rows); i++) {
		const struct doc *log = doc_get(doc_at(rows, i), "log");

		buf_printf(out, "  %s %s\n", doc_at(rows, i)->key,
			   doc_get_str(doc_at(rows, i), "status", "?"));
		for (size_t k = 0; k < doc_len(log); k++)
			buf_printf(out, "    # %s\n",
				   doc_text(doc_at(log, k), "?"));
	}
}

/* "> container#0 channel=up old": what is known of that container. */
struct inside {
	struct encap_facts facts;
	struct encap_fold fold;
	struct scene scene;
};

static void take_facts(struct arena *a, const char *line, struct inside *in)
{
	const char *word;

	memset(in, 0, sizeof(*in));
	in->scene.arena = a;
	in->facts.current = true;
	in->fold.rid = next_word(a, &line);
	while ((word = next_word(a, &line))) {
		if (value_of(word, "channel"))
			in->facts.channel = value_of(word, "channel");
		else if (strcmp(word, "old") == 0)
			in->facts.old = true;
		else if (strcmp(word, "outdated") == 0)
			in->facts.current = false;
		else if (strcmp(word, "expected") == 0)
			in->fold.expected = true;
		else if (value_of(word, "age"))
			in->fold.age_ms = atoll(value_of(word, "age"));
		else if (value_of(word, "detail")) {
			in->fold.detail = line - strlen(word) + 7;
			return;
		}
	}
}

static void fold_inside(struct doc *d, struct inside *in)
{
	const struct doc *row = doc_get(doc_get(d, "resources"), in->fold.rid);

	in->facts.container = status_parse(doc_get_str(row, "status", NULL));
	in->facts.said = in->scene.n > 0;
	in->fold.reach = encap_reach(&in->facts);
	in->fold.since = in->fold.age_ms ? 1000 : 0;
	if (in->fold.reach == ENCAP_OK || in->fold.reach == ENCAP_OLD ||
	    in->fold.reach == ENCAP_OUTDATED)
		in->fold.doc = scene_doc(&in->scene, LEVEL_ENCAP);
	instance_fold_encap(in->scene.arena, d, &in->fold);
}

static void show_reaches(struct buf *out, const struct doc *d)
{
	const struct doc *all = doc_get(d, "encap");

	for (size_t i = 0; i < doc_len(all); i++) {
		const struct doc *in = doc_at(all, i);

		buf_printf(out, "> %s: %s", in->key,
			   doc_get_str(in, "reach", "?"));
		if (doc_get(in, "why"))
			buf_printf(out, ", %s", doc_get_str(in, "why", "?"));
		if (doc_get(in, "age_ms"))
			buf_printf(out, ", for %lld ms",
				   (long long)doc_get_int(in, "age_ms", 0));
		buf_printf(out, "%s; avail %s, overall %s\n",
			   doc_get_bool(in, "unexpected", false)
				   ? ", unexpected"
				   : "",
			   doc_get_str(in, "avail", "?"),
			   doc_get_str(in, "overall", "?"));
	}
}

static void show_scene(struct arena *a, const char *text, struct buf *out)
{
	struct scene *host = ARENA_NEW(a, struct scene);
	struct inside *in = ARENA_NEW(a, struct inside);
	struct doc *d = NULL;
	const char *line;

	host->arena = a;
	while ((line = next_line(a, &text))) {
		if (*line != '>') {
			take_resource(d ? &in->scene : host, line);
			continue;
		}
		if (d)
			fold_inside(d, in);
		else
			d = scene_doc(host, LEVEL_HYPERVISOR);
		take_facts(a, line + 1, in);
	}
	if (d)
		fold_inside(d, in);
	else
		d = scene_doc(host, LEVEL_HYPERVISOR);
	show_instance(out, d);
	show_reaches(out, d);
}

/* -- 4.5 ------------------------------------------------------------------- */

static void take_member(struct arena *a, const char *line, struct doc *all,
			const char **nodes, size_t *n)
{
	const char *node = next_word(a, &line), *word = next_word(a, &line);
	struct doc *d = doc_put(a, all, node, doc_map(a));

	nodes[(*n)++] = node;
	word = status_name(status_word(a, word ? word : ""));
	doc_put_str(a, d, "avail", word);
	doc_put_str(a, d, "overall", word);
	while ((word = next_word(a, &line))) {
		const char *made = value_of(word, "provisioned");
		const char *overall = value_of(word, "overall");

		if (overall)
			doc_put_str(a, d, "overall",
				    status_name(status_word(a, overall)));
		else if (made && strcmp(made, "mixed") == 0)
			doc_put_str(a, d, "provisioned", made);
		else if (made)
			doc_put_bool(a, d, "provisioned",
				     strcmp(made, "true") == 0);
		else
			doc_put_bool(a, d, word, true);
	}
}

static void show_service(struct arena *a, const struct golden_case *c,
			 struct buf *out)
{
	const char *topology = golden_setting(a, c->text, "topology");
	const char *orchestrate = golden_setting(a, c->text, "orchestrate");
	const char *flex = golden_setting(a, c->text, "flex");
	const char *text = golden_body(c->text), *line;
	struct doc *all = doc_map(a);
	const char *nodes[MAX_RES];
	struct service_conf conf = {
		.topology = topology ? topology : "failover",
		.orchestrate = orchestrate ? orchestrate : "ha",
		.flex_min = 1,
		.flex_target = 1,
	};
	struct service_status s;
	long long min, max, target;

	if (flex && sscanf(flex, "%lld %lld %lld", &min, &max, &target) == 3) {
		conf.flex_min = min;
		conf.flex_max = max;
		conf.flex_target = target;
	}
	while ((line = next_line(a, &text)) && conf.nodes.n + 1 < MAX_RES)
		take_member(a, line, all, nodes, &conf.nodes.n);
	conf.nodes.at = nodes;
	service_status(&conf, all, &s);
	buf_printf(out, "avail %s, overall %s\n", status_name(s.avail),
		   status_name(s.overall));
	buf_printf(out, "placement %s, frozen %s, provisioned %s\n",
		   s.placement, s.frozen, s.provisioned);
}

/* -- 4.6, 4.7 and 4.8: from JSON ------------------------------------------- */

static void put_visible(struct buf *out, const char *text)
{
	for (; *text; text++)
		if (*text == '\033')
			buf_puts(out, "^[");
		else
			buf_add(out, text, 1);
}

static void show_screen(struct arena *a, const struct golden_case *c,
			const struct doc *d, const char *what, struct buf *out)
{
	const char *width = golden_setting(a, c->text, "width");
	const char *flags = golden_setting(a, c->text, "flags");
	const char *self = golden_setting(a, c->text, "self");
	struct tree_options o = {
		.self = self ? self : doc_get_str(d, "node", ""),
		.wide = flags && strcmp(flags, "wide") == 0,
	};
	struct term t = {
		.width = width ? (unsigned)atoi(width) : 0,
		.colour = golden_setting(a, c->text, "colour") != NULL,
	};
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		abort();
	if (strcmp(what, "tree") == 0)
		tree_print(f, &t, a, d, &o);
	else
		list_services(f, &t, a, d);
	fclose(f);
	put_visible(out, text);
	free(text);
}

static void show_json(struct arena *a, const struct golden_case *c,
		      const char *what, struct buf *out)
{
	const char *text = golden_body(c->text);
	struct doc *d;
	struct err err = { 0 };

	if (json_parse(a, text, strlen(text), &d, &err) < 0) {
		buf_printf(out, "%s\n", err.text);
	} else if (strcmp(what, "json") == 0) {
		doc_json(out, seed_status(a, d), 2);
		buf_puts(out, "\n");
	} else {
		show_screen(a, c, d, what, out);
	}
}

static void show(struct arena *a, const struct golden_case *c, struct buf *out)
{
	const char *what = golden_setting(a, c->text, "do");
	const char *body = golden_body(c->text);

	if (!what)
		buf_puts(out, "@do: is missing\n");
	else if (strcmp(what, "merge") == 0)
		show_merge(a, body, out);
	else if (strcmp(what, "table") == 0)
		show_table(out);
	else if (strcmp(what, "instance") == 0 || strcmp(what, "encap") == 0)
		show_scene(a, body, out);
	else if (strcmp(what, "service") == 0)
		show_service(a, c, out);
	else
		show_json(a, c, what, out);
}

int main(int argc, char **argv)
{
	return golden_main(argc, argv, show);
}

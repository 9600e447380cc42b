#include "cli/each.h"

#include <errno.h>
#include <string.h>

#include "fsm/conf/select.h"

struct later {
	struct later *next; /* each::waiting */
	const char *service;
	int (*run)(struct cli *c, void *arg);
	void *arg;
};

struct each {
	struct later *waiting, **end;
	size_t failed;
	int code;
	struct buf who; /* failed */
};

/* -- who is meant ---------------------------------------------------------- */

static int fetch_conf(struct cli *c, const char *name, const struct conf **ret)
{
	struct problems p = { .arena = c->arena };
	struct doc *args = doc_map(c->arena);
	struct reply r;
	const char *text;
	int rc;

	doc_put_str(c->arena, args, "name", name);
	rc = cli_ask(c, "svc_config", args, &r);
	if (rc != CLI_DONE)
		return rc;
	/* One that is gone by now, or cannot be read, is just not meant. */
	text = doc_get_str(r.data, "config", "");
	*ret = r.code ? NULL : conf_parse(c->arena, text, strlen(text), &p);
	return CLI_DONE;
}

static int fetch_services(struct cli *c, bool confs, struct selectable **ret,
			  size_t *ret_n)
{
	const struct doc *all;
	struct doc *data;
	int rc = cli_call(c, "svc_ls", NULL, &data);

	if (rc != CLI_DONE)
		return rc;
	all = doc_get(data, "services");
	*ret_n = doc_len(all);
	*ret = ARENA_VEC(c->arena, struct selectable, *ret_n + 1);
	for (size_t i = 0; i < *ret_n && rc == CLI_DONE; i++) {
		struct selectable *s = &(*ret)[i];

		s->name = doc_get_str(doc_at(all, i), "service", "");
		if (confs)
			rc = fetch_conf(c, s->name, &s->conf);
	}
	return rc;
}

static int names_of(struct cli *c, const char *text,
		    const struct selectable *all, size_t n, const char *node,
		    struct names *ret)
{
	bool *meant = ARENA_VEC(c->arena, bool, n + 1);
	struct err err = { 0 };
	int rc = select_services(c->arena, text, all, n, node, meant, &err);

	if (rc < 0)
		return cli_error(c, rc == -ENOENT ? CLI_NOT_FOUND : CLI_USAGE,
				 "%s", err.text);
	ret->at = ARENA_VEC(c->arena, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		if (meant[i])
			ret->at[ret->n++] = all[i].name;
	if (!ret->n)
		return cli_error(c, CLI_NOT_FOUND,
				 "no service is meant by '%s'; there are %zu",
				 text, n);
	return CLI_DONE;
}

int each_names(struct cli *c, const char *text, struct names *ret)
{
	bool confs = select_needs_conf(text);
	struct selectable *all;
	const char *node = NULL;
	size_t n;
	int rc;

	*ret = (struct names){ 0 };
	if (select_is_name(text)) {
		ret->at = ARENA_VEC(c->arena, const char *, 1);
		ret->at[ret->n++] = text;
		return CLI_DONE;
	}
	rc = fetch_services(c, confs, &all, &n);
	if (rc == CLI_DONE && confs)
		rc = cli_agent(c, &node, NULL);
	return rc == CLI_DONE ? names_of(c, text, all, n, node, ret) : rc;
}

/* -- doing it -------------------------------------------------------------- */

static bool takes_services(const struct command *k)
{
	const char *args = k->args + (*k->args == '[');

	return strncmp(args, "NAME", 4) == 0 && strcmp(k->words, "create") != 0;
}

/* Commands that go on, or read from standard input. */
static bool takes_one(const struct cli *c)
{
	static const char *const words[] = { "events", "log", "secret set" };
	const struct command *k = c->cmd;

	if (c->opt[OPT_WATCH])
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(k->words, words[i]) == 0)
			return true;
	return false;
}

static void note_result(struct each *e, const char *service, int code)
{
	if (code == CLI_DONE)
		return;
	buf_printf(&e->who, "%s%s (%d)", e->failed ? ", " : "", service, code);
	e->code = e->failed && e->code != code ? CLI_FAILED : code;
	e->failed++;
}

static void print_head(FILE *f, const char *service)
{
	fprintf(f, "== %s\n", service);
	fflush(f);
}

static int run_one(struct cli *c, const char *service,
		   int (*run)(struct cli *c, void *arg), void *arg)
{
	const char *const *args = c->args;
	const char **own = ARENA_VEC(c->arena, const char *, c->n_args + 1);
	int rc;

	memcpy(own, args, c->n_args * sizeof(*own));
	own[0] = service;
	c->args = own;
	rc = run ? run(c, arg) : c->cmd->run(c);
	c->args = args;
	fflush(c->out);
	return rc;
}

static int run_all(struct cli *c, const struct names *names)
{
	struct each e = { .end = &e.waiting, .who = BUF(c->arena) };

	c->each = &e;
	for (size_t i = 0; i < names->n; i++) {
		if (!c->opt[OPT_OUTPUT])
			print_head(c->out, names->at[i]);
		note_result(&e, names->at[i],
			    run_one(c, names->at[i], NULL, NULL));
	}
	c->each = NULL;
	for (const struct later *l = e.waiting; l; l = l->next) {
		print_head(c->err, l->service);
		note_result(&e, l->service,
			    run_one(c, l->service, l->run, l->arg));
	}
	if (e.failed)
		cli_error(c, e.code, "%zu of %zu services failed: %s", e.failed,
			  names->n, buf_text(&e.who));
	return e.code;
}

int each_run(struct cli *c)
{
	struct names names;
	int rc;

	if (!takes_services(c->cmd) || !c->n_args || select_is_name(c->args[0]))
		return c->cmd->run(c);
	if (takes_one(c))
		return cli_usage(c, "'%s': this command takes one service%s",
				 c->args[0],
				 c->opt[OPT_WATCH] ? " with --watch" : "");
	rc = each_names(c, c->args[0], &names);
	if (rc != CLI_DONE)
		return rc;
	return names.n == 1 ? run_one(c, names.at[0], NULL, NULL)
			    : run_all(c, &names);
}

int each_later(struct cli *c, int (*run)(struct cli *c, void *arg), void *arg)
{
	struct later *l;

	if (!c->each)
		return run(c, arg);
	l = ARENA_NEW(c->arena, struct later);
	*l = (struct later){ NULL, c->args[0], run, arg };
	*c->each->end = l;
	c->each->end = &l->next;
	return CLI_DONE;
}

/*
 * What is up where: of all services, of one, or of a status that was saved.
 * With --watch the same again at each change; each round has an arena of its
 * own, as it may go on for weeks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/show/json.h"
#include "cli/show/list.h"
#include "cli/show/seed.h"
#include "cli/show/tree.h"
#include "fsm/status/status.h"

#define LOOK_MS	     300
#define FROM_MAX     (64 * 1024 * 1024)
#define CLEAR_SCREEN "\033[H\033[2J"

/* Of what the agent, or a file, said: "services" if there are several. */
static const struct doc *services_of(const struct doc *d)
{
	return d->type == DOC_LIST ? d : doc_get(d, "services");
}

static bool wants_seed(const struct cli *c)
{
	return strcmp(c->prog, "svcmgr") == 0;
}

static void print_text(const struct cli *c, FILE *out, struct arena *a,
		       const struct doc *d, bool trees)
{
	const char *flags = c->opt[OPT_FLAGS];
	const struct doc *all = services_of(d);
	struct tree_options o = { .wide = flags && strcmp(flags, "wide") == 0 };

	if (all && !trees) {
		list_services(out, &c->term, a, all);
		return;
	}
	for (size_t i = 0; i < (all ? doc_len(all) : 1); i++) {
		const struct doc *s = all ? doc_at(all, i) : d;

		o.self = doc_get_str(s, "node", "");
		tree_print(out, &c->term, a, s, &o);
	}
}

static const char *rows_key(const struct doc *d)
{
	return doc_get(d, "services") ? "services" : "";
}

static void print_once(struct cli *c, const struct doc *d, bool trees)
{
	if (!cli_wants_doc(c))
		print_text(c, c->out, c->arena, d, trees);
	else if (wants_seed(c) && !services_of(d))
		cli_print_doc(c, seed_status(c->arena, d), "");
	else
		cli_print_doc(c, d, rows_key(d));
}

static int ask(struct cli *c, struct doc **ret)
{
	if (c->n_args == 0)
		return cli_call(c, "svc_ls", NULL, ret);
	return cli_call(c, "status", cli_args_name(c), ret);
}

/* -- from a file ------------------------------------------------------- */

static int read_whole(FILE *f, struct buf *b, struct err *err)
{
	char chunk[16384];
	size_t n;

	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
		if (b->len + n > FROM_MAX)
			return err_set(err, -EFBIG, "longer than %d bytes",
				       FROM_MAX);
		buf_add(b, chunk, n);
	}
	return ferror(f) ? err_set(err, -EIO, "cannot be read") : 0;
}

/* One instance, a service with its own, or a list of services. */
static bool is_status(const struct doc *d)
{
	const struct doc *all = services_of(d);
	const struct doc *instances = doc_get(d, "instances");

	if (!all && !instances)
		return instance_is_sound(d);
	if (instances && instances->type != DOC_MAP)
		return false;
	for (size_t i = 0; i < doc_len(instances); i++)
		if (!instance_is_sound(doc_at(instances, i)))
			return false;
	for (size_t i = 0; i < doc_len(all); i++)
		if (services_of(doc_at(all, i)) || !is_status(doc_at(all, i)))
			return false;
	return true;
}

static int read_from(struct cli *c, const char *path, struct doc **ret,
		     struct err *err)
{
	bool stdin_asked = strcmp(path, "-") == 0;
	FILE *f = stdin_asked ? stdin : fopen(path, "re");
	struct buf b = BUF(c->arena);
	int rc;

	if (!f)
		return err_set(err, -errno, "%s", strerror(errno));
	rc = read_whole(f, &b, err);
	if (!stdin_asked)
		fclose(f);
	if (rc == 0)
		rc = json_parse(c->arena, buf_text(&b), b.len, ret, err);
	if (rc == 0 && !is_status(*ret))
		return err_set(err, -EBADMSG,
			       "this is no status: it is what 'encap status "
			       "-o json' prints");
	return rc;
}

static int status_from(struct cli *c)
{
	const char *path = c->opt[OPT_FROM];
	struct doc *d;
	struct err err = { 0 };

	if (c->n_args || c->opt[OPT_WATCH])
		return cli_usage(c, "a file is shown as it is: --from goes "
				    "with no name and not with --watch");
	if (read_from(c, path, &d, &err) < 0)
		return cli_error(c, CLI_FAILED, "%s: %s", path, err.text);
	print_once(c, d, true);
	return CLI_DONE;
}

/* -- again and again --------------------------------------------------- */

/* What says that time went by, or that something else was committed. */
static const struct doc *without_times(struct arena *a, const struct doc *d)
{
	static const char *const times[] = { "age_ms", "applied", "at", "n" };
	struct doc *to;

	if (d->type != DOC_MAP && d->type != DOC_LIST)
		return d;
	to = d->type == DOC_MAP ? doc_map(a) : doc_list(a);
	for (size_t i = 0; i < doc_len(d); i++) {
		const struct doc *item = doc_at(d, i);
		bool skip = false;

		for (size_t k = 0; d->type == DOC_MAP && k < 4; k++)
			skip = skip || (item->type == DOC_INT &&
					strcmp(item->key, times[k]) == 0);
		if (skip)
			continue;
		item = doc_copy(a, without_times(a, item));
		if (d->type == DOC_MAP)
			doc_put(a, to, doc_at(d, i)->key, (struct doc *)item);
		else
			doc_add(a, to, (struct doc *)item);
	}
	return to;
}

static const char *as_text(const struct cli *c, struct arena *a,
			   const struct doc *d)
{
	char *text = NULL;
	const char *kept;
	size_t n = 0;
	FILE *f;

	struct buf b = BUF(a);

	if (cli_wants_doc(c)) {
		doc_json(&b, without_times(a, d), 0);
		return buf_text(&b);
	}
	f = open_memstream(&text, &n);
	if (!f)
		abort();
	print_text(c, f, a, d, false);
	fclose(f);
	kept = arena_printf(a, "%s", text);
	free(text);
	return kept;
}

static void print_change(const struct cli *c, struct arena *a,
			 const struct doc *d, const char *text, bool first)
{
	if (cli_wants_doc(c)) {
		if (wants_seed(c) && !services_of(d))
			d = seed_status(a, d);
		cli_print_next(c, a, d, rows_key(d), first);
	} else if (c->term.tty) {
		fprintf(c->out, "%s%s", CLEAR_SCREEN, text);
	} else {
		fprintf(c->out, "%s%s", first ? "" : "\n", text);
	}
	fflush(c->out);
}

static int status_watch(struct cli *c)
{
	SCOPED(arena) struct arena *a = arena_new();
	const char *was = NULL, *text;
	struct doc *d;
	int rc;

	while (!ferror(c->out)) {
		struct arena *next = arena_new();
		struct cli round = *c;

		round.arena = next;
		rc = ask(&round, &d);
		c->client = round.client;
		if (rc != CLI_DONE) {
			arena_free(next);
			return rc;
		}
		text = as_text(c, next, d);
		if (!was || strcmp(was, text) != 0)
			print_change(c, next, d, text, !was);
		arena_free(a);
		a = next;
		was = text;
		usleep(LOOK_MS * 1000);
	}
	return CLI_FAILED;
}

int cmd_status(struct cli *c)
{
	const char *flags = c->opt[OPT_FLAGS];
	struct doc *d;
	int rc;

	if (flags && strcmp(flags, "short") != 0 && strcmp(flags, "wide") != 0)
		return cli_usage(c, "unknown flags '%s': short or wide", flags);
	if (c->opt[OPT_FROM])
		return status_from(c);
	if (c->opt[OPT_WATCH])
		return status_watch(c);
	rc = ask(c, &d);
	if (rc == CLI_DONE)
		print_once(c, d, false);
	return rc;
}

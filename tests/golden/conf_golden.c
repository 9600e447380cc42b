/*
 * DIR/NAME.conf is evaluated for every node that it names, and what comes out
 * must be DIR/NAME.out. With GOLDEN_UPDATE in the environment the .out files
 * are written instead.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/conf/conf.h"

static const char *slurp(struct arena *a, const char *path)
{
	FILE *f = fopen(path, "rb");
	struct buf b = BUF(a);
	char chunk[4096];
	size_t n;

	if (!f)
		return NULL;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&b, chunk, n);
	fclose(f);
	return buf_text(&b);
}

/* -- what is shown ----------------------------------------------------------
 */

static void show_names(struct buf *b, const char *what, const struct names *l)
{
	buf_printf(b, "%s", what);
	for (size_t i = 0; i < l->n; i++)
		buf_printf(b, " %s", l->at[i]);
	buf_puts(b, "\n");
}

static void show_service(struct buf *b, const struct service_conf *sc)
{
	show_names(b, "nodes:", &sc->nodes);
	show_names(b, "drpnodes:", &sc->drpnodes);
	show_names(b, "encapnodes:", &sc->encapnodes);
	buf_printf(b, "topology: %s, orchestrate: %s, priority: %lld\n",
		   sc->topology, sc->orchestrate, (long long)sc->priority);
	buf_printf(b, "flex: %lld to %lld, target %lld\n",
		   (long long)sc->flex_min, (long long)sc->flex_max,
		   (long long)sc->flex_target);
	buf_printf(b, "app: %s, env: %s, comment: %s%s%s\n", sc->app, sc->env,
		   sc->comment, sc->disable ? ", disabled" : "",
		   sc->rollback ? "" : ", no rollback");
}

static void show_flags(struct buf *b, const struct resource *r)
{
	const struct {
		bool set;
		const char *word;
	} flags[] = {
		{ r->encap, "encap" },	     { r->disable, "disable" },
		{ r->optional, "optional" }, { r->monitor, "monitor" },
		{ r->standby, "standby" },   { r->noaction, "noaction" },
		{ r->nostatus, "nostatus" },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].set)
			buf_printf(b, " %s", flags[i].word);
	if (r->restart)
		buf_printf(b, " restart=%lld", (long long)r->restart);
	if (r->start_timeout_ms)
		buf_printf(b, " start_timeout=%lld",
			   (long long)r->start_timeout_ms);
	if (r->stop_timeout_ms)
		buf_printf(b, " stop_timeout=%lld",
			   (long long)r->stop_timeout_ms);
	if (*r->subset)
		buf_printf(b, " subset=%s", r->subset);
	if (*r->encapnode)
		buf_printf(b, " encapnode=%s", r->encapnode);
	buf_puts(b, "\n");
}

static void show_resource(struct buf *b, const struct resource *r)
{
	buf_printf(b, "  %s %s.%s", r->rid, r->group, r->type);
	show_flags(b, r);
	for (const char *const *kw = r->kw; *kw; kw += 2) {
		buf_printf(b, "      %s = ", kw[0]);
		for (const char *p = kw[1]; *p; p++)
			buf_puts(b, *p == '\n' ? "\n          "
					       : (char[]){ *p, '\0' });
		buf_puts(b, "\n");
	}
}

static void show_node(struct buf *b, const struct conf *c, const char *service,
		      const char *node)
{
	struct instance inst;
	enum level level;
	struct err err = { 0 };
	int rc = conf_level(b->arena, c, service, node, &level, &err);

	if (rc == 0)
		rc = instance_eval(b->arena, c, service, node, level, &inst,
				   &err);
	if (rc < 0) {
		buf_printf(b, "\n%s: %s\n", node, err.text);
		return;
	}
	buf_printf(b, "\n%s, %s level\n", node,
		   level == LEVEL_ENCAP ? "encap" : "hypervisor");
	for (size_t i = 0; i < inst.n; i++)
		show_resource(b, &inst.res[i]);
}

static void show_file(struct buf *b, const char *service, const char *text)
{
	char name[256];
	struct problems p = { .arena = b->arena, .name = name };
	struct service_conf sc;
	struct err err = { 0 };
	struct conf *c;

	snprintf(name, sizeof(name), "%s.conf", service);
	c = conf_parse(b->arena, text, strlen(text), &p);
	if (c)
		conf_validate(b->arena, c, service, &p);
	for (size_t i = 0; i < p.n; i++)
		buf_printf(b, "%s\n", p.at[i].text);
	if (!c || p.fatal)
		return;
	if (service_eval(b->arena, c, service, NULL, &sc, &err) < 0) {
		buf_printf(b, "%s\n", err.text);
		return;
	}
	show_service(b, &sc);
	for (size_t i = 0; i < sc.nodes.n; i++)
		show_node(b, c, service, sc.nodes.at[i]);
	for (size_t i = 0; i < sc.drpnodes.n; i++)
		show_node(b, c, service, sc.drpnodes.at[i]);
	for (size_t i = 0; i < sc.encapnodes.n; i++)
		show_node(b, c, service, sc.encapnodes.at[i]);
}

/* -- what is compared --------------------------------------------------------
 */

static int update(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0) {
		printf("%s: %s\n", path, strerror(errno));
		return 1;
	}
	printf("%s: written\n", path);
	return 0;
}

/* The first line that differs says more than a whole file. */
static int compare(const char *path, const char *want, const char *got)
{
	unsigned line = 1;

	if (!want) {
		printf("%s is missing\n", path);
		return 1;
	}
	if (strcmp(want, got) == 0)
		return 0;
	for (;;) {
		size_t n = strcspn(want, "\n"), m = strcspn(got, "\n");

		if (n != m || memcmp(want, got, n) != 0 || !want[n]) {
			printf("%s:%u\n  want: %.*s\n  got:  %.*s\n", path,
			       line, (int)n, want, (int)m, got);
			return 1;
		}
		want += n + 1;
		got += m + 1;
		line++;
	}
}

static int check(const char *dir, const char *name)
{
	SCOPED(arena) struct arena *a = arena_new();
	char *service = arena_printf(a, "%s", name);
	const char *out, *text;
	struct buf b = BUF(a);

	text = slurp(a, arena_printf(a, "%s/%s", dir, name));
	if (!text) {
		printf("%s/%s: %s\n", dir, name, strerror(errno));
		return 1;
	}
	service[strlen(service) - 5] = '\0';
	out = arena_printf(a, "%s/%s.out", dir, service);
	show_file(&b, service, text);
	if (getenv("GOLDEN_UPDATE"))
		return update(out, buf_text(&b));
	return compare(out, slurp(a, out), buf_text(&b));
}

static int is_conf(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 5 && strcmp(d->d_name + n - 5, ".conf") == 0;
}

int main(int argc, char **argv)
{
	struct dirent **list;
	int n, failed = 0;

	if (argc != 2)
		return 2;
	n = scandir(argv[1], &list, is_conf, alphasort);
	if (n <= 0) {
		printf("%s: no .conf files\n", argv[1]);
		return 1;
	}
	for (int i = 0; i < n; i++) {
		failed += check(argv[1], list[i]->d_name);
		free(list[i]);
	}
	free(list);
	printf("%d files, %d differ\n", n, failed);
	return failed != 0;
}

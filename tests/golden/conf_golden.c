/* An env file is evaluated for every node that it names. */
#include <stdio.h>
#include <string.h>

#include "fsm/conf/conf.h"
#include "golden.h"

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

static void show_file(struct arena *a, const struct golden_case *gc,
		      struct buf *b)
{
	const char *service = gc->file, *text = gc->text;
	char name[256];
	struct problems p = { .arena = b->arena, .name = name };
	struct service_conf sc;
	struct err err = { 0 };
	struct conf *c;

	snprintf(name, sizeof(name), "%s.conf", service);
	c = conf_parse(a, text, strlen(text), &p);
	if (c)
		conf_validate(a, c, service, &p);
	for (size_t i = 0; i < p.n; i++)
		buf_printf(b, "%s\n", p.at[i].text);
	if (!c || p.fatal)
		return;
	if (service_eval(a, c, service, NULL, &sc, &err) < 0) {
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

int main(int argc, char **argv)
{
	return golden_main(argc, argv, show_file);
}

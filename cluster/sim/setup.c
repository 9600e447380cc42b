#include "cluster/sim/setup.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cluster/agent/agent.h"
#include "cluster/sim/scenario.h"
#include "fsm/conf/ini.h"
#include "fsm/conf/text.h"

#define MAX_HOSTS    64
#define MAX_SERVICES 256
#define MAX_FILE     (1 << 20)

char *setup_file(struct arena *a, const char *path, size_t *ret_len)
{
	struct buf b = BUF(a);
	char part[4096];
	FILE *f = fopen(path, "rb");
	size_t n;
	int bad;

	if (!f)
		return NULL;
	while ((n = fread(part, 1, sizeof(part), f)) > 0 && b.len <= MAX_FILE)
		buf_add(&b, part, n);
	bad = ferror(f) ? EIO : b.len > MAX_FILE ? EFBIG : 0;
	fclose(f);
	errno = bad;
	*ret_len = b.len;
	return bad ? NULL : text_copy(a, buf_text(&b), b.len);
}

const char *setup_folder(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? text_copy(a, path, (size_t)(slash + 1 - path)) : "";
}

static const char *path_from(struct arena *a, const char *base,
			     const char *path)
{
	return *path == '/' ? path : arena_printf(a, "%s%s", base, path);
}

bool setup_service_read(struct arena *a, const char *base, const char *path,
			unsigned line, struct setup_service *ret,
			struct problems *p)
{
	const char *full = path_from(a, base, path), *name;
	struct problems mine = { .arena = a, .name = full };
	struct conf *c;
	struct err err;
	size_t len;
	char *text = setup_file(a, full, &len);

	if (!text) {
		problem_add(p, line, true, "%s: %s", full, strerror(errno));
		return false;
	}
	name = strrchr(full, '/') ? strrchr(full, '/') + 1 : full;
	len = strlen(name);
	if (len < 6 || strcmp(name + len - 5, ".conf") != 0) {
		problem_add(p, line, true,
			    "%s: an env file is named SERVICE.conf", full);
		return false;
	}
	*ret = (struct setup_service){ text_copy(a, name, len - 5), full,
				       text };
	if (name_check(ret->name, &err) < 0) {
		problem_add(p, line, true, "%s: %s", full, err.text);
		return false;
	}
	c = conf_parse(a, text, strlen(text), &mine);
	if (c)
		conf_validate(a, c, ret->name, &mine);
	for (size_t i = 0; i < mine.n; i++)
		if (mine.at[i].fatal)
			problem_add(p, line, true, "%s", mine.at[i].text);
	return !mine.fatal;
}

static void add_service(struct arena *a, struct setup *s, const char *base,
			const char *path, unsigned line, struct problems *p)
{
	struct setup_service *next = &s->services[s->n];

	if (s->n == MAX_SERVICES) {
		problem_add(p, line, true, "more than %d services",
			    MAX_SERVICES);
		return;
	}
	if (!setup_service_read(a, base, path, line, next, p))
		return;
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->services[i].name, next->name) == 0) {
			problem_add(p, line, true, "two services %s: %s, %s",
				    next->name, s->services[i].path,
				    next->path);
			return;
		}
	s->n++;
}

static int is_conf(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 5 &&
	       strcmp(d->d_name + n - 5, ".conf") == 0;
}

static int by_name(const struct dirent **x, const struct dirent **y)
{
	return strcmp((*x)->d_name, (*y)->d_name);
}

static void add_services(struct arena *a, struct setup *s, const char *base,
			 const char *word, unsigned line, struct problems *p)
{
	const char *path = path_from(a, base, word);
	struct dirent **list;
	struct stat st;
	int n;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		add_service(a, s, base, word, line, p);
		return;
	}
	n = scandir(path, &list, is_conf, by_name);
	if (n < 0) {
		problem_add(p, line, true, "%s: %s", path, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		add_service(a, s, arena_printf(a, "%s/", path), list[i]->d_name,
			    line, p);
		free(list[i]);
	}
	free(list);
}

static bool is_named(const struct setup *s, const char *name)
{
	return names_have(&s->nodes, name) || names_have(&s->witnesses, name);
}

static void take_nodes(struct arena *a, struct setup *s, struct names *to,
		       const struct ini_key *k, struct problems *p)
{
	struct names words = words_split(a, text_lowered(a, k->value));
	struct err err;

	to->at = ARENA_VEC(a, const char *, words.n + 1);
	for (size_t i = 0; i < words.n; i++) {
		if (name_check(words.at[i], &err) < 0)
			problem_add(p, k->line, true, "%s", err.text);
		else if (is_named(s, words.at[i]))
			problem_add(p, k->line, true, "%s twice", words.at[i]);
		else
			to->at[to->n++] = words.at[i];
	}
	if (s->nodes.n + s->witnesses.n > MAX_HOSTS)
		problem_add(p, k->line, true, "more than %d nodes", MAX_HOSTS);
}

static void take_lease(struct setup *s, const struct ini_key *k,
		       struct problems *p)
{
	struct err err;

	if (scenario_time(k->value, &s->lease_ms, &err) < 0)
		problem_add(p, k->line, true, "lease: %s", err.text);
	else if (s->lease_ms < LEASE_MIN_MS || s->lease_ms > LEASE_MAX_MS)
		problem_add(p, k->line, true,
			    "lease: a lease lasts from 1s to 10m");
}

static void take_config(struct arena *a, struct setup *s, const char *base,
			const struct ini_key *k, struct problems *p)
{
	const char *path = path_from(a, base, k->value);
	size_t len;

	s->config = setup_file(a, path, &len);
	if (!s->config)
		problem_add(p, k->line, true, "%s: %s", path, strerror(errno));
}

static void take_key(struct arena *a, struct setup *s, const char *base,
		     const struct ini_key *k, struct problems *p)
{
	struct nearest near = nearest_to(k->option);
	struct names words;

	if (strcmp(k->option, "nodes") == 0) {
		take_nodes(a, s, &s->nodes, k, p);
	} else if (strcmp(k->option, "witnesses") == 0) {
		take_nodes(a, s, &s->witnesses, k, p);
	} else if (strcmp(k->option, "config") == 0) {
		take_config(a, s, base, k, p);
	} else if (strcmp(k->option, "lease") == 0) {
		take_lease(s, k, p);
	} else if (strcmp(k->option, "services") == 0) {
		words = words_split(a, k->value);
		for (size_t i = 0; i < words.n; i++)
			add_services(a, s, base, words.at[i], k->line, p);
	} else {
		nearest_try(&near, "nodes");
		nearest_try(&near, "lease");
		nearest_try(&near, "config");
		nearest_try(&near, "services");
		nearest_try(&near, "witnesses");
		problem_add(p, k->line, true,
			    "'%s' is no keyword of a "
			    "cluster%s",
			    k->option, nearest_hint(a, &near));
	}
}

static void take_all(struct arena *a, struct setup *s, const char *base,
		     const struct conf *c, struct problems *p)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct ini_section *e = c->sections[i];

		if (strcmp(e->name, "DEFAULT") != 0) {
			problem_add(p, e->line, true,
				    "a cluster has one section, [DEFAULT]");
			continue;
		}
		for (const struct ini_key *k = e->keys; k; k = k->next)
			take_key(a, s, base, k, p);
	}
	if (!s->nodes.n)
		problem_add(p, 0, true,
			    "nodes = ... is missing: the "
			    "hypervisors of the cluster");
}

struct setup *setup_read(struct arena *a, const char *path, struct problems *p)
{
	struct setup *s = ARENA_NEW(a, struct setup);
	struct conf *c;
	size_t len;
	char *text = setup_file(a, path, &len);

	if (!text) {
		problem_add(p, 0, true, "%s", strerror(errno));
		return NULL;
	}
	s->services = ARENA_VEC(a, struct setup_service, MAX_SERVICES + 1);
	s->lease_ms = LEASE_DEFAULT_MS;
	c = conf_parse(a, text, len, p);
	if (c)
		take_all(a, s, setup_folder(a, path), c, p);
	return p->fatal ? NULL : s;
}

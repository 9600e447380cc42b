/*
 * Commands that an env file puts around actions: triggers, and what comes
 * before a monitor action.
 */
#include <ctype.h>
#include <string.h>

#include "drivers/command.h"
#include "drivers/job.h"
#include "drivers/run.h"

#define OWN_VARS 10

struct vars {
	struct arena *arena;
	const char **at;
	size_t n;
};

static void put(struct vars *v, const char *name, const char *value)
{
	v->at[v->n++] = arena_printf(v->arena, "%s=%s", name, value);
}

/* "KEY=value", the name in upper case, what cannot be in one as '_'. NULL where
 * the key can be none. */
static const char *variable(struct arena *a, const char *key, const char *value)
{
	char *name = arena_printf(a, "%s", key);

	for (char *p = name; *p; p++)
		*p = isalnum((unsigned char)*p)
			     ? (char)toupper((unsigned char)*p)
			     : '_';
	if (!*name || isdigit((unsigned char)*name))
		return NULL;
	return arena_printf(a, "%s=%s", name, value);
}

/* Before our own: the last of a name counts. */
static void put_file_env(struct vars *v, const char *const *kw)
{
	const size_t n = strlen("env.");

	for (; kw && *kw; kw += 2) {
		const char *text = NULL;

		if (strncmp(kw[0], "env.", n) == 0)
			text = variable(v->arena, kw[0] + n, kw[1]);
		if (text)
			v->at[v->n++] = text;
	}
}

/* Under our names, and under those that existing scripts know. */
const char **command_env(const struct job *j, const char *const *kw,
			 size_t more, size_t *ret_n)
{
	const char *rid = j->res ? j->res->rid : "";
	struct vars v = { .arena = j->arena };
	size_t n = 0;

	while (kw && kw[n])
		n += 2;
	v.at = ARENA_VEC(j->arena, const char *, n / 2 + OWN_VARS + more + 1);
	put_file_env(&v, kw);
	put(&v, "ENCAP_SERVICE", j->service);
	put(&v, "ENCAP_NODE", j->node);
	put(&v, "ENCAP_LEVEL", level_name(j->level));
	put(&v, "ENCAP_RID", rid);
	put(&v, "ENCAP_TOKEN",
	    arena_printf(j->arena, "%llu", (unsigned long long)j->token));
	put(&v, "OPENSVC_SVCPATH", j->service);
	put(&v, "OPENSVC_SVCNAME", j->service);
	put(&v, "OPENSVC_NAMESPACE", "root");
	put(&v, "OPENSVC_KIND", "svc");
	put(&v, "OPENSVC_RID", rid);
	*ret_n = v.n;
	return v.at;
}

int driver_command(const struct job *j, struct err *err)
{
	struct run r = { .deadline_ms = j->deadline_ms };
	const char **env;
	size_t n;
	int rc = job_check_time(j, "no time was left", err);

	if (rc == 0)
		rc = run_split(j->arena, j->command, &r.argv, err);
	if (rc < 0)
		return rc;
	env = command_env(j, j->env, 2, &n);
	env[n++] = arena_printf(j->arena, "ENCAP_ACTION=%s", j->action);
	env[n] = arena_printf(j->arena, "OPENSVC_ACTION=%s", j->action);
	r.env = env;
	return run_ok(&r, err);
}

/*
 * Commands that an env file puts around actions: triggers, and what comes
 * before a monitor action.
 */
#include <ctype.h>
#include <string.h>

#include "drivers/command.h"
#include "drivers/job.h"
#include "drivers/run.h"

struct vars {
	struct arena *arena;
	const char **at;
	size_t n;
};

static void put(struct vars *v, const char *name, const char *value)
{
	v->at[v->n++] = arena_printf(v->arena, "%s=%s", name, value);
}

const char *command_variable(struct arena *a, const char *key,
			     const char *value)
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
static void put_env(struct vars *v, const char *const *kw)
{
	for (; kw && *kw; kw += 2) {
		const char *text = command_variable(
			v->arena, kw[0] + strlen("env."), kw[1]);

		if (text)
			v->at[v->n++] = text;
	}
}

static const char **command_env(const struct job *j)
{
	const char *level = j->level == LEVEL_ENCAP ? "encap" : "hypervisor";
	const char *rid = j->res ? j->res->rid : "";
	struct vars v = { .arena = j->arena };
	size_t n = 0;

	while (j->env && j->env[n])
		n += 2;
	v.at = ARENA_VEC(j->arena, const char *, n / 2 + 12);
	put_env(&v, j->env);
	put(&v, "ENCAP_SERVICE", j->service);
	put(&v, "ENCAP_NODE", j->node);
	put(&v, "ENCAP_LEVEL", level);
	put(&v, "ENCAP_RID", rid);
	put(&v, "ENCAP_ACTION", j->action);
	put(&v, "OPENSVC_SVCPATH", j->service);
	put(&v, "OPENSVC_SVCNAME", j->service);
	put(&v, "OPENSVC_NAMESPACE", "root");
	put(&v, "OPENSVC_KIND", "svc");
	put(&v, "OPENSVC_RID", rid);
	put(&v, "OPENSVC_ACTION", j->action);
	return v.at;
}

int driver_command(const struct job *j, struct err *err)
{
	struct run r = { .deadline_ms = j->deadline_ms };
	int rc = job_check_time(j, "no time was left", err);

	if (rc == 0)
		rc = run_split(j->arena, j->command, &r.argv, err);
	if (rc < 0)
		return rc;
	r.env = command_env(j);
	return run_ok(&r, err);
}

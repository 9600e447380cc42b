#include "drivers/app_command.h"

#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/command.h"
#include "drivers/job.h"
#include "drivers/owner.h"
#include "fsm/conf/convert.h"
#include "fsm/conf/text.h"

#define USER_VARS 3 /* USER, LOGNAME, HOME */

static const char *const verb_words[] = {
	[APP_START] = "start",
	[APP_STOP] = "stop",
	[APP_CHECK] = "check",
	[APP_RUN] = "run",
};

/* -- who, where, with what --------------------------------------------------
 */

// clang-format off
static const struct {
	const char *keyword;
	int which;
	int64_t unit; /* of the keyword's number in the limit's */
} limits[] = {
	{ "limit_as", RLIMIT_AS, 1 },
	{ "limit_core", RLIMIT_CORE, 1 },
	{ "limit_cpu", RLIMIT_CPU, 1000 },
	{ "limit_data", RLIMIT_DATA, 1 },
	{ "limit_fsize", RLIMIT_FSIZE, 1 },
	{ "limit_memlock", RLIMIT_MEMLOCK, 1 },
	{ "limit_nofile", RLIMIT_NOFILE, 1 },
	{ "limit_nproc", RLIMIT_NPROC, 1 },
	{ "limit_rss", RLIMIT_RSS, 1 },
	{ "limit_stack", RLIMIT_STACK, 1 },
	{ "limit_vmem", RLIMIT_AS, 1 },
};
// clang-format on

static void read_limits(const struct job *j, struct run_as *as)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		int64_t value = job_kw_int(j, limits[i].keyword, -1);
		rlim_t to = (rlim_t)(value / limits[i].unit);

		if (value >= 0)
			as->limits[as->n_limits++] =
				(struct run_limit){ limits[i].which,
						    { to, to } };
	}
}

static int read_user(const struct job *j, struct app *a, const char **name,
		     const char **home, struct err *err)
{
	const char *user = job_kw(j, "user"), *group = job_kw(j, "group");
	struct run_as *as = &a->as;
	int rc = 0;

	if (user)
		rc = user_find(user, &as->uid, &as->gid, j->arena, name, home,
			       err);
	if (rc == 0 && group)
		rc = group_find_id(group, &as->gid, err);
	if (rc < 0 || !user)
		return rc;
	as->n_groups = RUN_GROUPS;
	if (getgrouplist(*name, as->gid, as->groups, &as->n_groups) < 0)
		return err_set(err, -E2BIG,
			       "user '%s' is in more than %d groups", user,
			       RUN_GROUPS);
	return 0;
}

static int read_umask(const struct job *j, struct run_as *as, struct err *err)
{
	const char *text = job_kw(j, "umask");
	unsigned long value;
	char *end;

	if (!text)
		return 0;
	value = strtoul(text, &end, 8);
	if (*end || *text < '0' || *text > '7' || value > 0777)
		return err_set(err, -EINVAL, "umask '%s' is no mask in octal",
			       text);
	as->umask = (mode_t)value;
	return 0;
}

static void put(const struct job *j, struct app *a, const char *key,
		const char *value)
{
	a->env[a->n_env++] = arena_printf(j->arena, "%s=%s", key, value);
}

static int read_env(const struct job *j, struct app *a, const char *user,
		    const char *home, struct err *err)
{
	const char *own = job_kw(j, "environment");
	struct names words = { 0 };
	size_t n_secrets = 0;
	int rc = own ? shlex_split(j->arena, own, &words, err) : 0;

	if (rc < 0)
		return err_wrap(err, rc, "environment");
	while (j->secrets && j->secrets[n_secrets])
		n_secrets++;
	a->env = command_env(j, j->res->kw, words.n + n_secrets + USER_VARS,
			     &a->n_env);
	if (user) {
		put(j, a, "USER", user);
		put(j, a, "LOGNAME", user);
		put(j, a, "HOME", home);
	}
	for (size_t i = 0; i < words.n; i++) {
		if (!strchr(words.at[i], '=') || words.at[i][0] == '=')
			return err_set(
				err, -EINVAL,
				"environment: '%s' is not VARIABLE=value",
				words.at[i]);
		a->env[a->n_env++] = words.at[i];
	}
	for (size_t i = 0; i < n_secrets; i++)
		a->env[a->n_env++] = j->secrets[i];
	return 0;
}

int app_read(const struct job *j, struct app *ret, struct err *err)
{
	const char *script = job_kw(j, "script"), *user = NULL, *home = "/";
	int rc;

	*ret = (struct app){ .as = RUN_AS, .cwd = job_kw(j, "cwd") };
	ret->script = script;
	if (script && script[0] != '/')
		ret->script = arena_printf(j->arena, "%s/services/%s.d/%s",
					   j->etc_dir, j->service, script);
	rc = read_user(j, ret, &user, &home, err);
	if (rc == 0)
		rc = read_umask(j, &ret->as, err);
	if (rc == 0)
		rc = read_env(j, ret, user, home, err);
	if (rc == 0)
		rc = job_file(j, "log", ".out", false, &ret->log, err);
	read_limits(j, &ret->as);
	return rc < 0 ? err_wrap(err, rc, "%s", j->res->rid) : 0;
}

/* -- commands ---------------------------------------------------------------
 */

bool app_calls_script(const char *value)
{
	return words_have("true yes on y t", value) ||
	       !value[strspn(value, "0123456789")];
}

bool app_means_none(const char *value)
{
	return words_have("false no off n f", value);
}

int app_argv(const struct job *j, const struct app *a, enum app_verb verb,
	     const char *const **ret, struct err *err)
{
	const char *word = verb_words[verb], *value = job_kw(j, word);
	const char **argv;
	int rc;

	if (!value || app_means_none(value))
		return 1;
	if (!app_calls_script(value)) {
		rc = run_split(j->arena, value, ret, err);
		return rc < 0 ? err_wrap(err, rc, "%s.%s", j->res->rid, word)
			      : 0;
	}
	if (!a->script)
		return err_set(err, -EINVAL,
			       "%s.%s = %s calls the script, but there is no "
			       "keyword script",
			       j->res->rid, word, value);
	argv = ARENA_VEC(j->arena, const char *, 3);
	argv[0] = a->script;
	argv[1] = word;
	*ret = argv;
	return 0;
}

void app_prepare(const struct job *j, const struct app *a, enum app_verb verb,
		 const char *const *argv, struct run *ret)
{
	const char **env = ARENA_VEC(j->arena, const char *, a->n_env + 4);

	memcpy(env, a->env, a->n_env * sizeof(*env));
	env[a->n_env] =
		arena_printf(j->arena, "ENCAP_ACTION=%s", verb_words[verb]);
	env[a->n_env + 1] =
		arena_printf(j->arena, "OPENSVC_ACTION=%s", verb_words[verb]);
	*ret = (struct run){ .argv = argv,
			     .env = env,
			     .cwd = a->cwd,
			     .as = &a->as,
			     .deadline_ms = j->deadline_ms };
}

int app_join(const struct app *a, const struct track *t, struct run *r,
	     struct err *err)
{
	/* app_prepare() has made it, with this place. */
	const char **env = (const char **)(uintptr_t)r->env;

	env[a->n_env + 2] = t->token;
	return track_join(t, r, err);
}

int app_need_secrets(const struct job *j, struct err *err)
{
	if (!job_kw(j, "secrets_environment") || !j->secrets_missing)
		return 0;
	return err_set(err, -ENOKEY, "secrets_environment: %s",
		       j->secrets_missing);
}

/* -- exit codes -------------------------------------------------------------
 */

enum status app_retcode(const char *retcodes, int code)
{
	for (const char *at = retcodes; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");
		char word[32], *end;
		long value = strtol(at, &end, 10);

		if (end > at && *end == ':' && value == code &&
		    snprintf(word, sizeof(word), "%.*s",
			     (int)(at + n - end - 1),
			     end + 1) < (int)sizeof(word))
			return status_parse(word);
		at += n;
	}
	return STATUS_UNDEF;
}

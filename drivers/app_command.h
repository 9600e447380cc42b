/*
 * app_command - the commands of an app, and as whom they run (app.c).
 */
#pragma once

#include "drivers/driver.h"
#include "drivers/run.h"
#include "drivers/track.h"

enum app_verb { APP_START, APP_STOP, APP_CHECK, APP_RUN };

struct app {
	const char *script; /* absolute; NULL if none is named */
	const char *log;    /* file for the output of what it starts */
	const char *cwd;    /* NULL: / */
	struct run_as as;
	const char **env;
	size_t n_env;
};

/* Keywords to who, where and with which environment. */
int app_read(const struct job *j, struct app *ret, struct err *err);
/* The command of @verb: 0, 1 if it has none, or negative. */
int app_argv(const struct job *j, const struct app *a, enum app_verb verb,
	     const char *const **ret, struct err *err);
/* Prepare a run of @argv: as the app's user, with its environment. */
void app_prepare(const struct job *j, const struct app *a, enum app_verb verb,
		 const char *const *argv, struct run *ret);
/* Have what it starts tracked; track_joined() when it has been run. */
int app_join(const struct app *a, const struct track *t, struct run *r,
	     struct err *err);
/* -ENOKEY if a secret that it should be given is missing. */
int app_need_secrets(const struct job *j, struct err *err);
/* What a keyword that is no command means: "true" or "10": call the script. */
bool app_calls_script(const char *value);
bool app_means_none(const char *value);

/* The status that @code stands for in "0:up 1:down"; STATUS_UNDEF if it is not
 * listed, or its word is not known. */
enum status app_retcode(const char *retcodes, int code);

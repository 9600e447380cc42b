/*
 * job - small things that every driver needs: keywords, paths, time, logs.
 *
 * Strings that are returned live on job->arena.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "drivers/driver.h"

/* The value of a keyword, or NULL when it is unset or empty. */
const char *job_kw(const struct job *j, const char *keyword);
/* As job_kw(), but it must be there. */
int job_need(const struct job *j, const char *keyword, const char **ret,
	     struct err *err);
int64_t job_kw_int(const struct job *j, const char *keyword, int64_t fallback);
bool job_kw_bool(const struct job *j, const char *keyword, bool fallback);

int64_t job_left_ms(const struct job *j); /* never negative */
/* -ETIMEDOUT with "WHAT: ..." when the deadline has passed, else 0. */
int job_check_time(const struct job *j, const char *what, struct err *err);
/* Sleep, but not beyond the deadline: then -ETIMEDOUT. */
int job_sleep(const struct job *j, int64_t ms, const char *what,
	      struct err *err);

/* RUN_DIR/AREA/SERVICE/RID@SUFFIX, its folder made. '#' is left out of the rid
 * where @plain: for names that other tools read. */
int job_file(const struct job *j, const char *area, const char *suffix,
	     bool plain, const char **ret, struct err *err);
/* The rid without '#': "container#0" is "container0". */
const char *job_plain_rid(const struct job *j);

/* The mount point at or above @path that is not mounted now, or NULL. */
const char *job_hidden(const struct job *j, const char *path);
/* Is there a file at @path? n/a: that cannot be told now. */
enum provisioned job_made(const struct job *j, const char *path);

/* @text as it may be shown and sent: what is no UTF-8 becomes '?', control
 * characters become blanks. */
const char *job_clean(struct arena *a, const char *text);

/* Add a line "level: text" to what a person sees beside the status. */
void probe_log(const struct job *j, struct probe *ret, const char *level,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* mkdir -p; what is there already stays as it is. */
int dir_make(const char *path, mode_t mode, struct err *err);
/* Replace the file as a whole; nobody sees half of it. */
int job_file_write(const char *path, const char *text, struct err *err);
/* The text of a small file (64 KiB at most); 1 when there is no such file. */
int job_file_read(struct arena *a, const char *path, char **ret,
		  struct err *err);
/* 1 when it was not there. */
int job_file_remove(const char *path, struct err *err);

/*
 * select - which services a person means.
 *
 *     web            that service
 *     web*,db        web..., or db: `,` is or
 *     *+!test*       all but test...: `+` is and, `!` is not
 *     orchestrate=ha the value, evaluated; also < > <= >=, and ~ with a
 *                    regular expression (POSIX, extended)
 *     container:     has such a section: of that group, fs#1: or env:
 *     fs.mnt:        has a line of that keyword; in any section of the group
 *
 * A glob is of a name: * ? [a-z] [!a-z]. A `\` before `,` or `+` makes it a
 * letter of the value. Pure: the services and their files come in.
 */
#pragma once

#include "fsm/conf/conf.h"

struct selectable {
	const char *name;
	const struct conf *conf; /* NULL: its file could not be read */
};

/* The name of one service: nothing in it selects. */
bool select_is_name(const char *text);
/* Are files asked for, or names alone? */
bool select_needs_conf(const char *text);

/* Does the glob match all of @name? */
bool select_glob(const char *pattern, const char *name);

/* Which of @all are meant: @ret[i] says it of @all[i]. @node: for whom values
 * are evaluated. -EINVAL if @text is no selector, -ENOENT if a name in it is
 * none of @all; a pattern that no name matches is no error. */
int select_services(struct arena *a, const char *text,
		    const struct selectable *all, size_t n, const char *node,
		    bool *ret, struct err *err);

/*
 * command - what the commands of an env file see of it.
 */
#pragma once

#include "drivers/driver.h"

/* What all of them have in their environment: the keys of [env], which are
 * those of @kw that begin with "env.", then for whom they are run. A list that
 * ends with NULL, with room for @more; how many they are comes to @ret_n. */
const char **command_env(const struct job *j, const char *const *kw,
			 size_t more, size_t *ret_n);

/*
 * command - what the commands of an env file see of it.
 */
#pragma once

#include "drivers/driver.h"

/* The variable of a key of [env]: "KEY=value", the name in upper case, what
 * cannot be in one as '_'. NULL where the key can be none. */
const char *command_variable(struct arena *a, const char *key,
			     const char *value);

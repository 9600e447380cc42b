/*
 * token - the newest assignment that has started a resource, in a file on the
 * storage that its nodes share (keyword token_file): a start with an older one
 * is refused there, whatever its agent believes.
 */
#pragma once

#include "drivers/driver.h"

/* Before a start. 0 where there is no such keyword, or no assignment;
 * -ESTALE where a newer one has been there. */
int token_take(const struct job *j, struct err *err);

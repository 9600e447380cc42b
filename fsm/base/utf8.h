/*
 * utf8 - where characters begin and end (RFC 3629).
 */
#pragma once

#include <stddef.h>

/* Length in bytes of the character at @text, of which @left > 0 bytes are
 * there; 0 if it is none, or is NUL. No overlong forms, no surrogates, as in
 * table 3-7 of the Unicode standard. */
size_t utf8_char(const char *text, size_t left);

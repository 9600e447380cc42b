/*
 * Once per reason: what was logged is remembered by who and class of reason,
 * in a small table whose oldest row gives way. Who has no name here can make
 * up new ones (addresses), so lines about strangers are also counted.
 */
#include <stdarg.h>
#include <stdio.h>

#include "cluster/net/link_internal.h"

/* FNV-1a, 64 bits. */
static uint64_t hash(uint64_t h, const char *text)
{
	do {
		h ^= (unsigned char)*text;
		h *= 1099511628211u;
	} while (*text++);
	return h;
}

bool link_note(struct links *l, const char *who, const char *class,
	       unsigned quiet_ms)
{
	uint64_t key = hash(hash(14695981039346656037u, who), class);
	struct note *oldest = l->notes;
	uint64_t now = link_now(l);

	for (size_t i = 0; i < LINK_NOTES; i++) {
		struct note *n = &l->notes[i];

		if (n->key == key) {
			bool due = now - n->at_ms >= quiet_ms;

			n->at_ms = now;
			return due;
		}
		if (n->at_ms < oldest->at_ms)
			oldest = n;
	}
	*oldest = (struct note){ key, now };
	return true;
}

bool link_guest_line(struct links *l)
{
	uint64_t now = link_now(l);

	if (l->guest_lines == 0 || now - l->guest_minute_ms >= 60000) {
		l->guest_minute_ms = now;
		l->guest_lines = 0;
	}
	if (l->guest_lines == LINK_GUEST_LINES)
		return false;
	if (++l->guest_lines == LINK_GUEST_LINES)
		link_log(l, LOG_WARNING,
			 "many unknown clients are refused; no more of them "
			 "are logged for a minute");
	return l->guest_lines < LINK_GUEST_LINES;
}

void link_log(struct links *l, int level, const char *fmt, ...)
{
	char text[640];
	va_list ap;

	if (!l->o.log || l->closing)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	l->o.log(l->o.data, level, text);
}

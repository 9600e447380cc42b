/*
 * strangers - files in the services' folder that are no service's: offers.
 *
 *     NAME.conf is there ─▶ it rests ─▶ [offer] ─▶ 'encap create NAME --draft'
 *                    it goes, or NAME is made ─▶ [offer with no text]
 *
 * They are read, never touched. Blocking, as confdir.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/err.h"

struct strangers;

struct strangers_io {
	void *ctx;
	/* Is there a service of that name? */
	bool (*is_service)(void *ctx, const char *name);
	/* @text NULL: there is no such offer any more. */
	void (*offer)(void *ctx, const char *name, const char *path,
		      const char *text, size_t len);
	void (*log)(void *ctx, int level, const char *text);
};

struct strangers *strangers_new(const char *dir, const struct strangers_io *io);
void strangers_free(struct strangers *s);
/* Look at the folder. To be called from time to time, once all services are
 * known. */
void strangers_scan(struct strangers *s);

/* The service whose env file is called @file, in memory of the caller's; NULL
 * for what is none ("web.conf~", ".web.conf.swp"). */
struct arena;
char *strangers_service(struct arena *a, const char *file);

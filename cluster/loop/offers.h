/*
 * offers - files that are no service's, told to the cluster as drafts from
 * which a service can be made.
 *
 *     [strangers] ─▶ offers_put ─▶ svc_draft_add, until it is agreed
 *                           no text ─▶ svc_draft_drop
 *
 * On the loop's thread.
 */
#pragma once

#include <stdint.h>

#define OFFERS_RETRY_MS 10000 /* of what could not be agreed */

struct envfiles_io;
struct offers;

struct offers *offers_new(const struct envfiles_io *io);
/* Once no request is under way. */
void offers_free(struct offers *o);
/* The file at @path offers the service @name, or, @text NULL, does no more. */
void offers_put(struct offers *o, const char *name, const char *path,
		const char *text);
void offers_turn(struct offers *o, uint64_t now_ms);
uint64_t offers_next_ms(const struct offers *o);

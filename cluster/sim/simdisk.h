/*
 * simdisk - a `struct wal_disk` in memory that can lose power.
 *
 *     simdisk_cut_after(d, n) ─▶ n more changes are done ─▶ the next is under
 *     way as the power goes ─▶ all fail ─▶ simdisk_restart(d)
 *
 * What returned 0 is durable, as the contract in store/wal.h says. A write
 * under way at the cut may be lost, done, or torn: each sector of 512 bytes is
 * old or new, in any pattern. A create, rename or remove under way is done or
 * not. The pattern comes from the seed and what was done since: the same calls
 * give the same disk.
 *
 * How a simulator crashes a machine whose flush is under way: cut_after() with
 * a number of its choice (0: the flush's first change is the one cut), call
 * wal_flush_run(), forget what it returned, throw the wal away, restart(). To
 * crash between flushes, just restart().
 *
 * An operation is done when the call returns; there is no time in here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/wal.h"

struct simdisk;

/* Never NULL: aborts without memory. */
struct simdisk *simdisk_new(uint64_t seed);
struct simdisk *simdisk_clone(const struct simdisk *d);
void simdisk_free(struct simdisk *d); /* NULL is fine */

const struct wal_disk *simdisk_disk(const struct simdisk *d);

/* After @n more changes (create, write, rename, remove) the power goes, see
 * above: that and every later operation gives -EIO until the restart. */
void simdisk_cut_after(struct simdisk *d, unsigned n);
bool simdisk_is_off(const struct simdisk *d);
/* Power is back; forgets cut_after() and fail_after(). */
void simdisk_restart(struct simdisk *d);

/* After @n more operations, reads among them, one gives @code (negated errno),
 * with an effect like that of a cut: done, not done, torn. */
void simdisk_fail_after(struct simdisk *d, unsigned n, int code);

/* Creating beyond @bytes in all gives -ENOSPC. 0: no limit. */
void simdisk_limit(struct simdisk *d, uint64_t bytes);

/* The bytes of a file, to look at or to damage; NULL if there is none. Valid
 * until it is removed or replaced. */
uint8_t *simdisk_data(const struct simdisk *d, const char *name, size_t *size);
/* Name of the @i-th file, in the order of names; NULL: there are less. */
const char *simdisk_name(const struct simdisk *d, size_t i);
/* It is there only since a removal gave an error (fail_after(), not a cut: who
 * lost power knows nothing of what it began). */
bool simdisk_is_left(const struct simdisk *d, const char *name);

struct simdisk_counts {
	uint64_t creates, writes, bytes, renames, removes; /* done */
};
struct simdisk_counts simdisk_counts(const struct simdisk *d);

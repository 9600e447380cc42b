/*
 * report - what the daemon says: a log on standard error, and to its
 * supervisor.
 *
 * Lines carry "<N>" where the journal reads them, else the time. One thread
 * may write while another does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Lines above @level (7: debug) are left out from here on. */
void report_init(int level);
void report(int level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* sd_notify(3): "READY=1". Nothing happens where nobody listens. */
void report_notify(const char *text);

/* Said before, within the last minute, with the same words; or are there too
 * many things said already? For what comes from outside, so that nobody fills
 * the log: at most QUIET_LINES a minute, whatever words they make up. */
#define QUIET_LINES 8
struct quiet {
	struct quiet_line {
		uint64_t key, until_ms;
	} said[QUIET_LINES];
};
bool quiet_about(struct quiet *q, uint64_t now_ms, const char *text);

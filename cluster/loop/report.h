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

/* Said before, within the last minute, with the same words? For what comes
 * from outside, so that nobody fills the log. */
struct quiet {
	char last[128];
	uint64_t until_ms;
};
bool quiet_about(struct quiet *q, uint64_t now_ms, const char *text);

/*
 * What the tables of keywords_*.c share: short names for long ones, and rows
 * that come in families. For those files only.
 */
#pragma once

#include "fsm/conf/keyword.h"

/* A row says what it has; the rest is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define STRING	CONV_STRING
#define LIST	CONV_LIST
#define LOWER	CONV_LIST_LOWER
#define COMMAS	CONV_LIST_COMMA
#define SET	CONV_SET
#define NODES	CONV_NODES
#define INTEGER CONV_INTEGER
#define BOOL	CONV_BOOLEAN
#define TRI	CONV_TRISTATE
#define TIME	CONV_DURATION
#define MINUTES CONV_MINUTES
#define SIZE	CONV_SIZE
#define SPEED	CONV_SPEED
#define SHLEX	CONV_SHLEX
#define FLAGS	CONV_FLAGS
#define MUST	KW_REQUIRED
#define FIXED	KW_NO_SCOPE
#define ADVICE	KW_ANY_WORD
#define CMD	KW_COMMAND
#define LATER	KW_LATER

// clang-format off
/* pre, post, blocking_pre and blocking_post of one action. */
#define TRIGGER_MORE(action, when, fails) \
	"Run " when " its " action " on the node that does it, directly, or by a shell where a pipe, && or ; is " \
	"in it. Of a service: " when " the whole of that action. If it fails " fails "."

#define TRIGGER(group, action, later) \
	{ group, NULL, "pre_" action, STRING, CMD | (later), "a command before " action "; its failure is logged", \
	  .inherit = LEAF, .more = TRIGGER_MORE(action, "before", "that is logged, and the action goes on") }, \
	{ group, NULL, "post_" action, STRING, CMD | (later), "a command after " action "; its failure is logged", \
	  .inherit = LEAF, .more = TRIGGER_MORE(action, "after", "that is logged, and the action goes on") }, \
	{ group, NULL, "blocking_pre_" action, STRING, CMD | (later), "a command before " action "; its failure stops the action", \
	  .inherit = LEAF, .more = TRIGGER_MORE(action, "before", "the action is not done") }, \
	{ group, NULL, "blocking_post_" action, STRING, CMD | (later), "a command after " action "; its failure stops the action", \
	  .inherit = LEAF, .more = TRIGGER_MORE(action, "after", "the action has failed") }

#define TRIGGERS(group, run) \
	TRIGGER(group, "start", 0), TRIGGER(group, "stop", 0), \
	TRIGGER(group, "startstandby", LATER), TRIGGER(group, "shutdown", LATER), \
	TRIGGER(group, "provision", 0), TRIGGER(group, "unprovision", 0), \
	TRIGGER(group, "run", run), TRIGGER(group, "sync_nodes", run), \
	TRIGGER(group, "sync_drp", run), TRIGGER(group, "sync_resync", LATER), \
	TRIGGER(group, "sync_update", LATER), TRIGGER(group, "sync_break", LATER), \
	TRIGGER(group, "sync_all", run)

#define CGROUP(group) \
	{ group, NULL, "create_pg", BOOL, LATER, "put the processes in a cgroup of their own", \
	  .inherit = LEAF, \
	  .more = "The other pg_ keywords set its limits. There is one of the service, in it one of each subset, and in that one of each resource." }, \
	{ group, NULL, "pg_cpus", STRING, LATER, "the CPUs they may run on, as 0-2,4", \
	  .inherit = LEAF, \
	  .more = "Numbers and ranges, as the kernel counts them." }, \
	{ group, NULL, "pg_mems", STRING, LATER, "the memory nodes they may use", \
	  .inherit = LEAF, \
	  .more = "Numbers and ranges, as the kernel counts them." }, \
	{ group, NULL, "pg_cpu_shares", SIZE, LATER, "their weight against others", \
	  .inherit = LEAF, \
	  .more = "Of two that want all of the CPU, one of 512 gets half of what one of 1024 gets." }, \
	{ group, NULL, "pg_cpu_quota", STRING, LATER, "the most CPU they may use, as 50%@2 or 10%@all", \
	  .inherit = LEAF, \
	  .more = "A share of one CPU, of so many, or of all." }, \
	{ group, NULL, "pg_mem_oom_control", STRING, LATER, "1: no out-of-memory kill", \
	  .candidates = "0 1", .inherit = LEAF, \
	  .more = "What asks for more than its limit waits then." }, \
	{ group, NULL, "pg_mem_limit", SIZE, LATER, "the most memory they may use", \
	  .inherit = LEAF, \
	  .more = "An amount, as in 512m." }, \
	{ group, NULL, "pg_vmem_limit", SIZE, LATER, "the most memory and swap they may use", \
	  .inherit = LEAF, \
	  .more = "An amount, not less than pg_mem_limit." }, \
	{ group, NULL, "pg_mem_swappiness", INTEGER, LATER, "how readily they are swapped", \
	  .inherit = LEAF, \
	  .more = "0 to 100." }, \
	{ group, NULL, "pg_blkio_weight", INTEGER, LATER, "their weight at the disks, 10 to 1000", \
	  .inherit = LEAF, \
	  .more = "Of two that want the same disk, one of 200 gets twice what one of 100 gets." }
// clang-format on

/* Each ends with a row that has no name. */
extern const struct keyword keywords_service[];	 /* DEFAULT, subset */
extern const struct keyword keywords_resource[]; /* every resource */
extern const struct keyword keywords_ip[];
extern const struct keyword keywords_disk[]; /* disk, volume */
extern const struct keyword keywords_fs[];   /* fs, share */
extern const struct keyword keywords_container[];
extern const struct keyword keywords_app[];  /* app, task */
extern const struct keyword keywords_sync[]; /* sync, hb */

/*
 * conf - an env file as a lossless tree, and what it means for one node.
 *
 *     text ──conf_parse──▶ [conf] ──conf_set/unset──▶ [conf] ──conf_text──▶
 * text └──instance_eval(node, level)──▶ [instance]
 *
 * Parsing keeps every byte: comments, order, blanks, line ends, unknown keys.
 * What is not touched by a set or unset is written back as it was.
 *
 * Evaluation is for an explicit (node, level): a hypervisor that evaluates a
 * file for a container gets what the container gets. The scope `@nodes` tests
 * the hypervisor-level node list at either level, so it does not match a
 * container (docs/decisions/scope-nodes.md).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fsm/base/arena.h"
#include "fsm/base/buf.h"
#include "fsm/base/doc.h"

struct conf; /* lives on the arena it was parsed on */

#define CONF_MAX_SIZE (1024 * 1024) /* of a file */
#define CONF_MAX_LINE (64 * 1024)

/* A list of problems, in file order. Each is a whole sentence that begins with
 * "NAME:LINE: " ("line LINE: " as long as @name is NULL) and, if it is no
 * error, "warning: ". The same sentence is listed once; after 1000 the rest is
 * only counted. */
struct problems {
	struct arena *arena;
	const char *name; /* of the file, for the messages; may be NULL */
	struct problem {
		unsigned line; /* 1-based; 0: the file as a whole */
		bool fatal;    /* error; else a warning */
		const char *text;
	} * at;
	size_t n, cap;
	size_t fatal; /* how many of them are errors */
};

void problem_add(struct problems *p, unsigned line, bool fatal, const char *fmt,
		 ...) __attribute__((format(printf, 4, 5)));
bool problems_full(const struct problems *p);

/* Syntax, UTF-8 and size only. NULL when any problem is fatal. @text need not
 * be NUL-terminated and is not kept. */
struct conf *conf_parse(struct arena *a, const char *text, size_t len,
			struct problems *p);
void conf_text(const struct conf *c, struct buf *out);

/* Every problem of the file at once: unknown sections and keywords (the
 * nearest known spelling is named), bad scopes, values that do not convert,
 * missing required keywords, encap resources without encap nodes, reference
 * cycles; checked for every node that the file names, at its level. */
void conf_validate(struct arena *a, const struct conf *c, const char *service,
		   struct problems *p);

/* "section.key[@scope]", the key grammar of the command line; no section
 * means DEFAULT. -EINVAL with a sentence otherwise. */
struct conf_key {
	const char *section, *option, *scope; /* scope: "" if none */
};
int conf_key_parse(struct arena *a, const char *text, struct conf_key *ret,
		   struct err *err);

/* Change one value in place, or add the line at the end of its section (the
 * section at the end of the file). Multi-line values become continuations. */
int conf_set(struct conf *c, const struct conf_key *k, const char *value,
	     struct err *err);
/* 1 if there was no such key. */
int conf_unset(struct conf *c, const struct conf_key *k, struct err *err);
/* All parts of a section, and the comments in it. 1 if there is none. */
int conf_unset_section(struct conf *c, const char *name);
/* The literal text of exactly that key (with scope), or NULL. */
const char *conf_raw(const struct conf *c, const struct conf_key *k);

/* -- what a person types (assign.c) ----------------------------------- */

/* The sections that a key speaks of: its own; with GROUP.KEYWORD, as in
 * fs.mnt_opt, each of that group, in file order. The app group has a section
 * of its own name, which is taken where there is no other. */
struct names conf_key_sections(struct arena *a, const struct conf *c,
			       const struct conf_key *k);

/* One assignment, to each of the sections that its key speaks of:
 *
 *     key=value     the value            key[N]=word   insert before the N-th
 *     key+=word     append               key[N]+=word  the same
 *     key|=word     append if missing
 *     key-=word     remove
 *     key^=word     remove if there, else append
 *
 * Words may be several; but for `=` the value is written back with single
 * blanks where it changes. */
int conf_assign(struct conf *c, const char *assignment, struct err *err);

/* A key, GROUP.KEYWORD, or a whole section, as fs#1 or [env]. 1 if nothing of
 * it is there. */
int conf_remove(struct conf *c, const char *text, struct err *err);

/* @new in the place of @old: in the lists of hypervisors, and as a scope (where
 * @new has no value of its own there). How many keys that were. (rename.c) */
int conf_rename_node(struct conf *c, const char *old, const char *new,
		     struct err *err);

/* -- what the file means for one node -------------------------------- */

enum level { LEVEL_HYPERVISOR, LEVEL_ENCAP };

static inline const char *level_name(enum level level)
{
	return level == LEVEL_ENCAP ? "encap" : "hypervisor";
}

struct names { /* a list of words, in file order, lower-cased */
	const char **at;
	size_t n;
};
bool names_have(const struct names *l, const char *name);

/* Files that are evaluated one after the other can share what is made of the
 * table of keywords: for a small one that is most of the work. @k has to live
 * as long as @c is evaluated, on one thread. */
struct keywords;
struct keywords *conf_keywords(struct arena *a);
void conf_share(struct conf *c, struct keywords *k);
/* With the keywords that there are in that version of the state: in apply, all
 * members of a group have to find the same problems. */
void conf_of_version(struct conf *c, struct arena *a, int version);

/* What holds where the containers are the nodes: what the file says with a
 * scope of theirs (@encapnodes, or the first one's name). Without one it is run
 * in each container that is up, and by the same `orchestrate`. */
struct encap_conf {
	const char *topology;	 /* "failover", "flex" */
	const char *orchestrate; /* "ha", "start", "no" */
	int64_t flex_min, flex_max, flex_target;
};

/* The service-wide part; the same whoever asks, but for scoped values. The
 * lists are those without a scope, for everybody. Texts are "" if unset. */
struct service_conf {
	struct names nodes, drpnodes, encapnodes;
	const char *topology;	 /* "failover", "flex" */
	const char *orchestrate; /* "ha", "start", "no" */
	const char *app, *env, *comment;
	int64_t priority;
	bool disable, rollback;
	int64_t start_retries, start_retry_delay_ms;
	bool stonith;		 /* a lost node is fenced before a failover */
	const char *stop_failed; /* how far: "none", "kill", "cut", "fence" */
	int64_t flex_min, flex_max, flex_target;
	const char *placement; /* "nodes order", ... */
	/* Names of services; parents and children also as name@node. */
	struct names parents, children;
	struct names hard_affinity, hard_anti_affinity;
	struct names soft_affinity, soft_anti_affinity;
	struct encap_conf encap;
	bool drp_ha; /* orchestrate@drpnodes = ha: once no other node is left */
};

/* Up in one of several containers at most, each of which needs a lease. */
bool encap_is_failover(const struct service_conf *sc);
/* @node: whose scopes apply; NULL: no scope but the plain lists. */
int service_eval(struct arena *a, const struct conf *c, const char *service,
		 const char *node, struct service_conf *ret, struct err *err);

/* One resource as a node sees it: all scopes and references resolved. */
struct resource {
	const char *rid;    /* "fs#1"; "app" for a bare section */
	const char *group;  /* "fs" */
	const char *type;   /* "ext4" */
	const char *subset; /* "" if none */
	struct names tags;
	bool encap, disable, optional, monitor, standby;
	bool noaction, nostatus;
	int64_t restart; /* of a standby one: at least 2 */
	int64_t restart_delay_ms;
	int64_t start_timeout_ms, stop_timeout_ms; /* 0: the driver's default */
	/* For the driver: keyword, value, keyword, value, ..., NULL. Every
	 * keyword of its own that has a value or a default is there, under
	 * its current name. Durations in ms, sizes in bytes (or as 50%FREE),
	 * booleans as "true"/"false". An app has each key of [env] too, as
	 * "env.KEY". */
	const char *const *kw;
	/* What its section says of the keywords that every resource may have
	 * and that are not above: triggers, requirements, schedule, ... */
	const char *const *common;
	/* A container: the encap node in it ("" if it is none of encapnodes).
	 */
	const char *encapnode;
};
const char *resource_kw(const struct resource *r, const char *keyword);
/* In any list of keyword, value, ..., NULL; NULL if it is not there. */
const char *kw_find(const char *const *kw, const char *keyword);

/* A section [subset#GROUP] or [subset#GROUP:NAME]. */
struct subset {
	const char *group, *name; /* name: "" for those without a subset */
	bool parallel;
	const char *const *kw; /* what it says, its triggers among it */
};

/* Everything one node needs to know of a service. */
struct instance {
	const char *service, *node;
	enum level level;
	struct service_conf conf;
	/* At LEVEL_HYPERVISOR: resources without encap, and of encap ones the
	 * flags only (kw empty), evaluated for the encap node they run in; at
	 * LEVEL_ENCAP: the encap ones alone. Sorted in start order: group
	 * order, subset, rid in natural order, fs by depth of mount point. */
	struct resource *res;
	size_t n;
	struct subset *subsets; /* in file order */
	size_t n_subsets;
	const char *const *kw; /* what DEFAULT says, as in resource */
	/* Each key of [env], as "env.KEY", value, ..., NULL. */
	const char *const *env;
};
int instance_eval(struct arena *a, const struct conf *c, const char *service,
		  const char *node, enum level level, struct instance *ret,
		  struct err *err);

/* The level at which @node takes part: hypervisor if it is in nodes or
 * drpnodes, encap if in encapnodes; -ENOENT if the file does not name it. */
int conf_level(struct arena *a, const struct conf *c, const char *service,
	       const char *node, enum level *ret, struct err *err);

/* One evaluated value for `encap get --eval --as NODE`: 0, 1 if unset, or
 * negative. */
int conf_eval_key(struct arena *a, const struct conf *c, const char *service,
		  const char *node, const struct conf_key *k, const char **ret,
		  struct err *err);
/* The whole file evaluated for a node: {section: {keyword: value}}, of lines
 * that count for it. A value that it cannot work out is given as it stands.
 * NULL if the node lists cannot be read. */
struct doc *conf_eval_all(struct arena *a, const struct conf *c,
			  const char *service, const char *node,
			  struct err *err);

/* Why each value is what it is, for `encap config --why` (why.c):
 *
 *     {service, node, sections: [{section, line, note?, keywords: [WHY]}]}
 *     WHY: {keyword, value | error, from: LINE + inherited | default,
 *           beat: [LINE], opensvc?: {value, LINE}, note?}
 *     LINE: {line, section, key, raw, why}
 *
 * "beat" are the lines of the keyword that do not count; "opensvc" is there
 * where OpenSVC made another value of the file on that node. NULL if the node
 * lists cannot be read; for a key likewise if its section's type cannot. */
struct doc *conf_why(struct arena *a, const struct conf *c, const char *service,
		     const char *node, struct err *err);
struct doc *conf_why_key(struct arena *a, const struct conf *c,
			 const char *service, const char *node,
			 const struct conf_key *k, struct err *err);
/* Either as an env file with the reasons as comments. @file: its name. */
void conf_why_text(struct buf *b, const char *file, const struct doc *all);
void conf_why_value(struct buf *b, const char *file, const char *section,
		    const struct doc *why);

/* 0 if @name may name a service (or node): dot-separated labels. */
int name_check(const char *name, struct err *err);

/* Group order of the start: ip 0, disk, fs, share, container, app ...; the
 * stop is its reverse. -1 for a group that is not known. */
int group_rank(const char *group);

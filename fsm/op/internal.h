/*
 * internal - shared by the files of this folder, most of all by those that
 * change services.
 */
#pragma once

#include "fsm/conf/conf.h"
#include "fsm/op/op.h"
#include "fsm/rev/merge.h"

/* -- op.c ----------------------------------------------------------------- */

/* If there is any text. */
void op_put_known(struct arena *a, struct doc *d, const char *key,
		  const char *text);

/* -- version.c ------------------------------------------------------------ */

/* A group begins with it. */
void op_version_put(const struct op_env *env, int64_t version);
/* Why a machine that joins so is too old; NULL. */
const char *op_version_refused(const struct op_env *env, const char *name,
			       const struct doc *cmd);

/* -- member.c ------------------------------------------------------------- */

/* The node of that name, unless it has left; NULL. */
struct doc *op_node_here(const struct op_env *env, const char *name);
/* Why @name may not join, in the place of @old ("": of nobody); NULL if it
 * may. */
const char *op_place_refused(const struct op_env *env, const char *name,
			     const char *old);
/* Make room for it: who had the place leaves; its labels go to @row. Gives the
 * epoch that @name begins with. */
int64_t op_place_take(const struct op_env *env, const char *name,
		      const char *old, struct doc *row);

/* -- service.c ------------------------------------------------------------ */

struct doc *op_no_service(const struct op_env *env, const char *name);
/* Every change that the orchestrator looks at moves the version on. */
void op_service_put(const struct op_env *env, struct doc *row);
/* The row of the service that @cmd names, if it is of this group: in the
 * cluster's, one with "group" is the index's. NULL if not. */
struct doc *op_service_here(const struct op_env *env, const struct doc *cmd);
/* What the text of an env file says of the service; false if it cannot be
 * read, which only a file of another version can come to. */
bool op_service_conf(const struct op_env *env, const char *name,
		     const char *config, struct conf **ret_conf,
		     struct service_conf *ret);
/* Likewise what the head revision of the service of @row says. NULL, or the
 * answer that it cannot be read. */
struct doc *op_head_conf(const struct op_env *env, const struct doc *row,
			 struct conf **ret_conf, struct service_conf *ret);
/* The container that a person calls @word: by its name, or by the rid of the
 * resource that runs it, on whatever node. NULL if there is none. */
const char *op_container_named(const struct op_env *env, const char *service,
			       const struct conf *conf,
			       const struct service_conf *sc, const char *word);
/* A hypervisor that may run it and is not in @but (NULL: any), or NULL. */
const char *op_runs_beside(const struct op_env *env, const char *name,
			   const struct service_conf *but);

/* -- edit.c --------------------------------------------------------------- */

struct revision {
	const char *config;
	const struct doc *parents; /* NULL: none */
	const struct doc *author;  /* may be NULL */
	const char *comment;	   /* may be NULL */
	int64_t at;
};
/* Make it the head of @service, whose row is not written. Returns its id. */
const char *op_revision_add(const struct op_env *env, struct doc *service,
			    const struct revision *r);

/* What is too old is so by two clocks, the command's and the head's: one that
 * is years ahead would forget everything. */
int64_t op_time_of(const struct op_env *env, const struct doc *service);

/* -- draft.c -------------------------------------------------------------- */

struct draft {
	const char *name, *kind, *text;
	const char *base, *head;		/* may be NULL */
	const char *where, *why;		/* may be NULL */
	const struct doc *conflicts, *problems; /* may be NULL */
};
/* Its id; NULL with the reason in @why_not if it cannot be kept. */
const char *op_draft_put(const struct op_env *env, const struct draft *d,
			 const char **why_not);
/* @service may be NULL: of an offer. @what became of it is for the event. */
void op_draft_end(const struct op_env *env, const struct doc *service,
		  const struct doc *draft, const char *what);

/*
 * request - what the files that answer the API's requests share.
 *
 * A request is answered exactly once, by request_end() or one of those that
 * call it, and is gone then. One file per part of docs/api.md: a function per
 * operation, and its row in request.c.
 */
#pragma once

#include "cluster/agent/internal.h"

struct request {
	struct agent *agent;
	struct arena *arena;
	const struct doc *doc;
	agent_answer done;
	void *arg;
	struct planning *planning; /* it is only looked what would be done */
};

void request_end(struct request *r, struct doc *answer);
void request_data(struct request *r, struct doc *data);
#define REFUSE(r, code, ...)                                                   \
	request_end((r), request_answer((r)->arena, (code), __VA_ARGS__))

/* An argument that is text; "" where there is none. */
const char *request_arg(const struct request *r, const char *key);

/* A command by who asked, for its fields to be put. */
struct doc *request_command(struct request *r, const char *op);
/* The argument @key, if it was given, as a field of that name. */
void request_pass(struct request *r, struct doc *cmd, const char *key);
/* What came of a command, as an answer. */
struct doc *request_result(struct arena *a, int code, const struct doc *result);
/* Propose, and answer with what comes of it. */
void request_propose(struct request *r, uint64_t gid, struct doc *cmd);
/* The same, of the cluster: @op with the arguments of the names @keys (they end
 * with NULL) that were given. Refused in a container. */
void request_to_cluster(struct request *r, const char *op,
			const char *const *keys);

/* Such a request's command, instead of a proposal (request_plan.c). */
void request_plan_add(struct request *r, uint64_t gid, const struct doc *cmd);
/* Run a request that is part of a plan; it is answered before this returns. */
void request_plan_part(struct agent *g, struct planning *p,
		       const struct doc *req, agent_answer done);

/* The group of the service "name". 0, and the request is answered and gone (so
 * look at nothing of it any more), when there is no such service here. */
uint64_t request_service(struct request *r);
/* A look at the state, for txn_abort(). NULL, and the request is answered, if
 * it cannot be read. */
struct txn *request_read(struct request *r);
/* The env file "config", valid. NULL, and the request is answered, if it is
 * not. */
struct conf *request_config(struct request *r, const char *name,
			    struct service_conf *sc);
/* Propose svc_create or, for a service with a group of its own, index_add;
 * answered when the service is here. */
void request_make(struct request *r, struct doc *cmd, bool own_group);
/* True, and the request is answered: this is about the cluster. */
bool request_in_container(struct request *r);
/* Answer when something happens (request_query.c), or after @ms. */
void request_watch_add(struct request *r, bool creation, uint64_t ms);

/* request_conf.c */
void request_create(struct request *r);
void request_edit(struct request *r);
void request_read_config(struct request *r);
void request_delete(struct request *r);
/* request_rev.c */
void request_history(struct request *r);
void request_revert(struct request *r);
void request_drafts(struct request *r);
void request_draft(struct request *r);
void request_draft_add(struct request *r);
void request_draft_drop(struct request *r);
void request_resolve(struct request *r);
/* request_intent.c */
void request_intent(struct request *r);
void request_act(struct request *r);
void request_svc_freeze(struct request *r);
void request_svc_thaw(struct request *r);
/* request_cluster.c */
void request_node_freeze(struct request *r);
void request_node_thaw(struct request *r);
void request_token_add(struct request *r);
void request_token_check(struct request *r);
void request_node_join(struct request *r);
void request_fresh(struct request *r);
/* request_upkeep.c */
void request_svc_clear(struct request *r);
void request_maintenance(struct request *r);
void request_node_drain(struct request *r);
void request_node_undrain(struct request *r);
void request_cluster_disarm(struct request *r);
void request_cluster_arm(struct request *r);
/* Why nothing that a person asks of the service "name" would be done; NULL. */
const char *request_rests(struct request *r, uint64_t gid);
/* member.c */
void request_node_leave(struct request *r);
void request_node_stay(struct request *r);
void request_node_leave_look(struct request *r);
void request_node_remove(struct request *r);
void request_node_label(struct request *r);
void request_cluster_set(struct request *r);
/* request_local.c */
void request_local_stop(struct request *r);
void request_emergency(struct request *r);
/* request_fence.c */
void request_cluster_config(struct request *r);
void request_cluster_configure(struct request *r);
void request_node_fence(struct request *r);
void request_node_vouch(struct request *r);
void request_fence_ls(struct request *r);
void request_fence_test(struct request *r);
/* request_plan.c */
void request_plan(struct request *r);
void request_why(struct request *r);
/* request_restore.c */
void request_restore_first(struct request *r);
void request_restore_more(struct request *r);
/* recover.c */
void request_recover_look(struct request *r);
/* request_secret.c */
void request_secret_set(struct request *r);
void request_secret_unset(struct request *r);
void request_secret_ls(struct request *r);
/* request_audit.c */
void request_audit(struct request *r);
/* request_query.c */
void request_ping(struct request *r);
void request_status(struct request *r);
void request_services(struct request *r);
void request_nodes(struct request *r);
void request_cluster(struct request *r);
void request_events(struct request *r);
void request_watch(struct request *r);

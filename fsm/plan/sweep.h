/*
 * sweep - one pass of the reconciler over the resources (reconcile.c), and what
 * runs in the containers among them (reconcile_encap.c).
 */
#pragma once

#include "fsm/plan/reconcile.h"

struct sweep {
	struct arena *a;
	const struct recon_in *in;
	struct recon_out *out;
	bool partial; /* a person holds something */
};

/* What one resource needs to be as wanted. */
enum need { NEED_NOTHING, NEED_ACT, NEED_WAIT, NEED_GIVE_UP };

/* Of what runs in container @i, so that the start or stop may go on; @why is
 * set where it is waited for, or where it went on without an answer. */
enum need encap_start_need(const struct sweep *s, size_t i, const char **why);
enum need encap_stop_need(const struct sweep *s, size_t i, const char **why);
/* Before a rollback stops the container: @halt where its agent is to be told.
 */
enum need encap_halt_need(const struct sweep *s, size_t i, bool *halt,
			  const char **why);

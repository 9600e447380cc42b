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
	bool partial; /* a person holds something, but not all of it */
	bool making;  /* not all that is HOLD_MAKE is made */
};

/* Ours to act on, at this level. */
bool sweep_is_ours(const struct sweep *s, size_t i);
enum hold sweep_hold(const struct sweep *s, size_t i);
void sweep_act(struct sweep *s, enum recon_op op, size_t i, const char *why);

/* What one resource needs to be as wanted. */
enum need { NEED_NOTHING, NEED_ACT, NEED_WAIT, NEED_GIVE_UP };

/* reconcile_make.c: of what resource @i needs. NEED_ACT: sweep_act() was
 * called; NEED_GIVE_UP: for @why. */
enum need provision_need(struct sweep *s, size_t i, const char **why);
enum need unprovision_need(struct sweep *s, size_t i, const char **why);
/* Is it still to be done, as far as that can be told before? */
bool unprovision_pends(const struct sweep *s, size_t i);
/* What is only to be made: before everything else of a pass, and after what
 * goes down. False where the sweep ends. */
void make_begin(struct sweep *s);
bool make_sweep(struct sweep *s);

/* What its agent could not do of that which was asked of some resources, or
 * NULL. */
const char *encap_act_error(const struct sweep *s, size_t i);

/* Of what runs in container @i, so that the start or stop may go on; @why is
 * set where it is waited for, or where it went on without an answer. */
enum need encap_start_need(const struct sweep *s, size_t i, const char **why);
enum need encap_stop_need(const struct sweep *s, size_t i, const char **why);
/* Before a rollback stops the container: @halt where its agent is to be told.
 */
enum need encap_halt_need(const struct sweep *s, size_t i, bool *halt,
			  const char **why);

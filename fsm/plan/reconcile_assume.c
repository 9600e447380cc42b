/*
 * What would be if an action went well: for plans and tests.
 */
#include "fsm/plan/reconcile.h"

const char *recon_op_word(enum recon_op op)
{
	static const char *const words[] = {
		[RECON_START] = "start",
		[RECON_STOP] = "stop",
		[RECON_KILL] = "kill",
		[RECON_CUT] = "cut",
		[RECON_PROVISION] = "provision",
		[RECON_UNPROVISION] = "unprovision",
		[RECON_HOOK] = "triggers",
	};

	return words[op];
}

enum rung recon_rung(enum recon_op op, enum rung now)
{
	if (op == RECON_CUT)
		return RUNG_CUT;
	return op == RECON_KILL ? RUNG_KILL : now;
}

void recon_assume(const struct recon_in *in, const struct recon_action *act,
		  struct probe *probes)
{
	struct recon_memory *m;

	if (act->op == RECON_HOOK) {
		struct recon_hooks *h = &in->hooks[act->res];

		*(act->after ? &h->after : &h->before) = true;
		return;
	}
	m = &in->memory[act->res];
	if (act->op == RECON_PROVISION || act->op == RECON_UNPROVISION) {
		m->turned = true;
		probes[act->res].provisioned = act->op == RECON_PROVISION
						       ? PROVISIONED_YES
						       : PROVISIONED_NO;
		return;
	}
	if (act->op == RECON_START && (in->was_up || m->done))
		m->restarts++;
	m->rung = recon_rung(act->op, m->rung);
	if (act->op == RECON_CUT)
		return;
	m->done = true;
	m->started = act->op == RECON_START;
	probes[act->res].status =
		act->op == RECON_START ? STATUS_UP : STATUS_DOWN;
}

/*
 * A start that failed is tried again on its node before another is asked:
 * most of what fails at once is over a moment later (a device that is still
 * held, an address that somebody else is about to give up).
 *
 * Only where Encap is in charge (orchestrate = ha) and all that was started was
 * taken back. As long as it is to be tried again, the instance is "starting":
 * its document does not say yet that the start failed, so nothing is decided
 * about it. Of a restart of the agent the count is not kept, which costs a
 * retry more.
 */
#include <string.h>

#include "cluster/agent/internal.h"
#include "fsm/plan/order.h"

#define PAUSE_MAX_MS (5 * 60 * 1000LL)

/* A person waits for it, and will want to mend what is wrong. */
static bool is_provision(const struct instance_run *run)
{
	return order_whole(run->order) && run->act > run->act_done;
}

static bool is_retried(const struct agent *g, const struct instance_run *run,
		       const struct recon_out *out)
{
	const struct service_conf *sc = &run->inst.conf;

	return out->state == RECON_FAILED &&
	       strcmp(out->word, "start failed") == 0 &&
	       g->level == LEVEL_HYPERVISOR && run->want == WANT_UP &&
	       !run->frozen && sc->rollback && !is_provision(run) &&
	       strcmp(sc->orchestrate, "ha") == 0;
}

/* Doubled from one to the next. */
static int64_t pause_ms(const struct instance_run *run)
{
	int64_t ms = run->inst.conf.start_retry_delay_ms;

	for (unsigned i = 1; i < run->retries && ms < PAUSE_MAX_MS; i++)
		ms *= 2;
	return ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
}

void retry_step(struct agent *g, struct instance_run *run, struct arena *a,
		struct recon_out *out)
{
	const struct service_conf *sc = &run->inst.conf;

	if (run->retry_token != run->token) {
		run->retry_token = run->token;
		run->retries = 0;
		run->start_again_ms = 0;
	}
	if (!is_retried(g, run, out))
		return;
	if (!run->start_again_ms) {
		if (run->retries >= (uint64_t)sc->start_retries)
			return;
		run->retries++;
		run->start_again_ms = g->now_ms + (uint64_t)pause_ms(run);
	}
	out->state = RECON_WAIT;
	out->word = "starting";
	out->wait = arena_printf(a,
				 "its start failed (%s): retry %u of %lld, "
				 "after %g s",
				 out->wait, run->retries,
				 (long long)sc->start_retries,
				 (double)pause_ms(run) / 1000);
	if (g->now_ms < run->start_again_ms) {
		out->again_ms = (int64_t)(run->start_again_ms - g->now_ms);
		return;
	}
	run->start_again_ms = 0;
	run->memory_token = 0; /* a start from nothing */
	run->poked = true;
}

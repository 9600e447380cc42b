/*
 * app.sim - an application that only remembers whether it runs (sim.h).
 */
#include "drivers/drivers.h"
#include "drivers/job.h"
#include "drivers/sim.h"

static int probe(const struct job *j, struct probe *ret, struct err *err)
{
	const char *name = job_kw(j, "name");

	ret->label = name ? name : "app";
	return sim_probe(j, ret, err);
}

const struct driver driver_app_sim = {
	.group = "app",
	.kind = "sim",
	.summary = "a simulated application",
	.start_timeout_ms = 10000,
	.stop_timeout_ms = 10000,
	.probe = probe,
	.start = sim_start,
	.stop = sim_stop,
	.provision = sim_provision,
	.unprovision = sim_unprovision,
	.kill = sim_kill,
};

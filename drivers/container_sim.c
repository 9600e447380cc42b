/*
 * container.sim - a container that only remembers whether it runs (sim.h).
 *
 *   name    what it is called; the service's name by default
 *
 * It has a channel directory as any container: what connects to the socket in
 * it is taken for the agent inside.
 */
#include <errno.h>

#include "drivers/channel.h"
#include "drivers/drivers.h"
#include "drivers/job.h"
#include "drivers/sim.h"

static int probe(const struct job *j, struct probe *ret, struct err *err)
{
	const char *name = job_kw(j, "name");

	ret->label = name ? name : j->service;
	return sim_probe(j, ret, err);
}

static int operational(const struct job *j, struct err *err)
{
	struct probe p = { 0 };
	int rc = probe(j, &p, err);

	if (rc < 0)
		return rc;
	if (p.status == STATUS_UP)
		return 0;
	return err_set(err, -EAGAIN, "container %s is down", p.label);
}

const struct driver driver_container_sim = {
	.group = "container",
	.kind = "sim",
	.summary = "a simulated container",
	.start_timeout_ms = 240000,
	.stop_timeout_ms = 120000,
	.probe = probe,
	.start = sim_start,
	.stop = sim_stop,
	.provision = sim_provision,
	.unprovision = sim_unprovision,
	.kill = sim_kill,
	.channel_dir = channel_dir,
	.operational = operational,
};

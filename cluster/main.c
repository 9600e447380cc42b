#include <stdio.h>
#include <unistd.h>

#include "cluster/loop/daemon.h"
#include "cluster/loop/report.h"
#include "cluster/net/bridge.h"
#include "drivers/helper.h"

int main(int argc, char **argv)
{
	struct options o;
	struct err err;
	int rc;

	/* Drivers start this program again for what may hang or must not
	 * share a process with the agent. */
	if (helper_wanted(argc, argv))
		return helper_main(argc, argv);
	if (bridge_wanted(argc, argv))
		return bridge_main();
	rc = options_parse(&o, argc, argv, stdout, &err);
	if (rc == OPTIONS_DONE)
		return 0;
	if (rc < 0) {
		fprintf(stderr, "encapd: %s\n", err.text);
		return 2;
	}
	report_init(o.log_level);
	rc = daemon_run(&o);
	options_fini(&o);
	if (rc == DAEMON_AGAIN) {
		execv("/proc/self/exe", argv);
		rc = 1; /* its supervisor starts it */
	}
	return rc;
}

#include <stdio.h>

#include "cluster/loop/daemon.h"
#include "cluster/loop/report.h"

int main(int argc, char **argv)
{
	struct options o;
	struct err err;
	int rc = options_parse(&o, argc, argv, stdout, &err);

	if (rc == OPTIONS_DONE)
		return 0;
	if (rc < 0) {
		fprintf(stderr, "encapd: %s\n", err.text);
		return 2;
	}
	report_init(o.log_level);
	rc = daemon_run(&o);
	options_fini(&o);
	return rc;
}

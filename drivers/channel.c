#include "drivers/channel.h"

#include "drivers/job.h"

int channel_dir(const struct job *j, const char **ret, struct err *err)
{
	int rc = job_file(j, "channel", "", true, ret, err);

	return rc < 0 ? rc : dir_make(*ret, 0755, err);
}

#include "drivers/helper.h"

int main(int argc, char **argv)
{
	/* Drivers start this program again for what may hang or must not
	 * share a process with the agent. */
	if (helper_wanted(argc, argv))
		return helper_main(argc, argv);
	return 0;
}

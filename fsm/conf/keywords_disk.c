/* The rows of disks and volumes. */
#include "fsm/conf/keywords.h"

// clang-format off
const struct keyword keywords_disk[] = {
	{ "disk", "loop", "file", STRING, MUST, "the file behind the loop device" },
	{ "disk", "loop", "size", SIZE, LATER, "of the file, when it is made" },
	{ 0 },
};
// clang-format on

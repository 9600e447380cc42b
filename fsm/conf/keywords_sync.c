/* The rows of syncs and foreign heartbeats. */
#include "fsm/conf/keywords.h"

// clang-format off
const struct keyword keywords_sync[] = {
	{ "sync", NULL, "schedule", STRING, LATER, "when it runs",
	  .head = "sync_schedule" },
	{ 0 },
};
// clang-format on

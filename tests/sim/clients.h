/*
 * clients - who appends to the groups' lists and reads them.
 *
 * Each does one thing at a time, at any node that has the group. A command
 * whose fate is unknown is sent again, elsewhere, under the same number, until
 * it is known or, now and then, given up.
 */
#pragma once

#include "tests/sim/world.h"

enum { CLIENTS = 6 };

enum client_state {
	CLIENT_IDLE,
	CLIENT_APPENDING,
	CLIENT_READING,
};

struct client {
	struct world *world;
	unsigned number;
	enum client_state state;
	bool waits; /* for the engine's answer */
	unsigned tries;
	uint64_t gid, sq, floor;
	int64_t at;
	size_t text_len;
	/* Of the call that is out. */
	struct node *node;
	uint64_t deadline_ms, called_us;
	unsigned epoch;
	uint64_t group_sq[WORLD_GROUPS]; /* below: settled */
};

struct clients {
	struct client all[CLIENTS];
	uint64_t pause_us; /* between two things, at most */
	size_t text_len;   /* of a command, at most */
	unsigned calls;	   /* that were not answered yet */
	bool only_finish;
};

void clients_begin(struct clients *c, struct world *w);
bool clients_are_idle(const struct clients *c);

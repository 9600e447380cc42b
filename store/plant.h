/*
 * plant - bugs on purpose, to see that the simulator finds them.
 *
 *     if (... && !PLANTED(NO_DEDUPE))     at the very rule that it breaks
 *
 * Only a build with ENCAP_PLANTS has them, and there the simulator chooses one
 * (docs/simulator.md has what each is, and how soon it is found). In any other
 * build PLANTED() is false and leaves nothing behind.
 */
#pragma once

#include <stdbool.h>

/* Who has to find it: the simulator of the engine, or of the whole cluster. */
enum plant_finder { FOUND_BY_ENGINE, FOUND_BY_CLUSTER };

// clang-format off
#define PLANTS(X) \
	X(VOTE_FORGOTTEN,   "vote-forgotten",   ENGINE,  "a vote is not in what the disk gets: after a restart it is given again") \
	X(VOTE_AHEAD,       "vote-ahead",       ENGINE,  "a vote leaves before it is on the disk") \
	X(APPLY_UNWRITTEN,  "apply-unwritten",  ENGINE,  "entries are applied that this member's disk does not have yet") \
	X(APPLY_AGAIN,      "apply-again",      ENGINE,  "the applied index is kept one too low: after a restart an entry is applied again") \
	X(NO_DEDUPE,        "no-dedupe",        ENGINE,  "a command that was sent twice is carried out twice") \
	X(SNAPSHOT_NO_SEEN, "snapshot-no-seen", ENGINE,  "a snapshot is without the results of commands: one that is sent again is carried out again") \
	X(SNAPSHOT_NO_ROWS, "snapshot-no-rows", ENGINE,  "a snapshot is without one of the tables") \
	X(READ_ALONE,       "read-alone",       ENGINE,  "a leader answers a read without asking whether it still leads") \
	X(CONTACT_LATE,     "contact-late",     ENGINE,  "contact counts from when the answer came, not from when the question left") \
	X(DISK_LIES,        "disk-lies",        ENGINE,  "the disk says that it has written what only its cache has") \
	X(NET_ALTERS,       "net-alters",       ENGINE,  "a byte of a command changes on the way") \
	X(DIVERGES,         "diverges",         ENGINE,  "what a command does depends on the node") \
	X(EARLY_ACK,        "early-ack",        ENGINE,  "a command is acknowledged when it is proposed") \
	X(IGNORES_EPOCH,    "ignores-epoch",    CLUSTER, "a node runs what was assigned in an epoch that is over") \
	X(GRANT_ALONE,      "grant-alone",      CLUSTER, "a leader grants leases without contact with a majority") \
	X(LEASE_OF_ANSWER,  "lease-of-answer",  CLUSTER, "a lease counts from when the answer came, not from when it was asked for") \
	X(LEADERS_CLOCK,    "leaders-clock",    CLUSTER, "a lease ends by the leader's clock, not by the node's") \
	X(LOST_EARLY,       "lost-early",       CLUSTER, "a node is declared lost when half of its lease is over") \
	X(NO_SUCCESSION,    "no-succession",    CLUSTER, "a new leader does not wait for what its predecessor has granted") \
	X(KEEPS_RUNNING,    "keeps-running",    CLUSTER, "a node goes on when its lease has run out") \
	X(GUARD_FORGETS,    "guard-forgets",    CLUSTER, "the guard is not told what was started since") \
	X(STOPPED_EARLY,    "stopped-early",    CLUSTER, "a stop counts as done when it is begun") \
	X(IGNORES_TOKEN,    "ignores-token",    CLUSTER, "what a node says of an earlier assignment counts for the present one") \
	X(OLD_DECISION,     "old-decision",     CLUSTER, "what a leader decided is brought before its successor, and carried out there") \
	X(CONTAINER_VOTES,  "container-votes",  CLUSTER, "containers vote") \
	X(OLD_INCARNATION,  "old-incarnation",  CLUSTER, "a container that was rolled back goes on as the member it was") \
	X(MERGE_LOSES,      "merge-loses",      CLUSTER, "a merge loses a key") \
	X(LAST_WINS,        "last-wins",        CLUSTER, "an edit that rests on an older revision replaces the newer ones") \
	X(DRAFT_LOST,       "draft-lost",       CLUSTER, "the text of a refused edit is not kept")
// clang-format on

#define PLANT_ENUM(id, name, finder, text) PLANT_##id,
enum plant { PLANT_NONE, PLANTS(PLANT_ENUM) PLANT_N };
#undef PLANT_ENUM

#ifdef ENCAP_PLANTS
extern enum plant plant_chosen;
#define PLANTED(id) (plant_chosen == PLANT_##id)
#else
#define PLANTED(id) false
#endif

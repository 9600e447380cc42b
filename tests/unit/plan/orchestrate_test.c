/*
 * The orchestrator in rows: a state, and what is decided in it. Each row is
 * tried with its assignments, documents and nodes in every rotation and in
 * reverse: the answer must not depend on their order.
 */
#include "tests/lib/table.h"

#include "tests/unit/plan/plan_text.h"

struct row {
	const char *name;
	const char *state;
	const char *decided;
};

#define HA3 "ha hv1 hv2 hv3; "
#define NO3 "no hv1 hv2 hv3; "
#define UP1 "assign hv1 up t5 e1 s2; said hv1 t5 idle up once; "

// clang-format off
static const struct row starts[] = {
	{ "nobody asked: nothing is done",
	  HA3 "want stopped 0; encap stopped 0", "" },
	{ "nobody asked: what runs is left alone",
	  HA3 "said hv2 t0 idle up", "" },
	{ "first start: the first node",
	  HA3 "want started 1", "hv1 up t1 e1 s1" },
	{ "first start by hand: the first node",
	  NO3 "want started 1", "hv1 up t1 e1 s1" },
	{ "first start: the first node is down",
	  HA3 "want started 1; node hv1 lost e2", "hv2 up t1 e1 s1" },
	{ "first start: the first node is frozen",
	  HA3 "want started 1; node hv1 frozen e1", "hv2 up t1 e1 s1" },
	{ "first start: the first node is no member",
	  "ha hv1 hv2; node hv1 lost e0; node hv2 e1; want started 1", "hv2 up t1 e1 s1" },
	{ "start on a node",
	  NO3 "want started 1 on hv3", "hv3 up t1 e1 s1" },
	{ "start on a node for disaster recovery",
	  "no hv1; drp dr1; want started 1 on dr1", "dr1 up t1 e1 s1" },
	{ "a node for disaster recovery is never chosen",
	  "ha hv1; drp dr1; node hv1 lost e2; node x e1; want started 1",
	  "blocked: no node is left to start web on: hv1 is not up" },
	{ "start on a node that is down, by hand",
	  NO3 "want started 1 on hv2; node hv2 lost e2",
	  "blocked: web was asked to run on hv2, which is not up" },
	{ "start on a node that is down, ha: elsewhere",
	  HA3 "want started 1 on hv2; node hv2 lost e2",
	  "hv1 up t1 e1 s1; blocked: web was asked to run on hv2, which is not up" },
	{ "started and up: nothing",
	  HA3 "want started 2; " UP1, "" },
	{ "coming up: nothing",
	  HA3 "want started 2; assign hv1 up t5 e1 s2; said hv1 t5 starting warn", "" },
	{ "started again: a new token, for what had failed",
	  HA3 "want started 3; " UP1, "hv1 up t6 e1 s3" },
	{ "started again where it had moved to",
	  HA3 "want started 3; assign hv2 up t5 e1 s2; said hv2 t5 idle up once", "hv2 up t6 e1 s3" },
	{ "start right after a stop on the same node",
	  HA3 "want started 3; assign hv1 down t6 e1 s2; said hv1 t5 stopping up", "hv1 up t7 e1 s3" },
	{ "start elsewhere waits for the stop",
	  HA3 "want started 3 on hv2; assign hv1 down t6 e1 s2; said hv1 t5 idle up", "" },
	{ "what runs unasked is taken over",
	  HA3 "want started 1; said hv2 t0 idle up", "hv2 up t1 e1 s1" },
	{ "what runs unasked on another node than the asked blocks",
	  HA3 "want started 1 on hv1; said hv2 t0 idle up",
	  "blocked: it runs on hv2, where nobody has asked for it: 'encap stop' stops it there" },
	{ "what is half up on another node does not",
	  HA3 "want started 1; said hv2 t0 idle warn", "hv1 up t1 e1 s1" },
	{ "disabled",
	  HA3 "disabled; want started 1",
	  "blocked: web is disabled in its env file: 'encap set web disable=false'" },
	{ "frozen: a person's start is carried out",
	  HA3 "frozen; want started 1", "hv1 up t1 e1 s1" },
	{ "all nodes unfit",
	  HA3 "want started 1; node hv1 lost e2; node hv2 frozen e1; node hv3 frozen e1",
	  "blocked: no node is left to start web on: hv1 is not up; hv2 is frozen; hv3 is frozen" },
};

static const struct row stops[] = {
	{ "stop what is up",
	  HA3 "want stopped 3; " UP1, "hv1 down t6 e1 s3" },
	{ "stop what starts",
	  HA3 "want stopped 3; assign hv1 up t5 e1 s2", "hv1 down t6 e1 s3" },
	{ "stop what runs unasked",
	  HA3 "want stopped 3; said hv2 t0 idle up", "hv2 down t1 e1 s3" },
	{ "stopping: nothing more",
	  HA3 "want stopped 3; assign hv1 down t6 e1 s3; said hv1 t6 stopping warn", "" },
	{ "stopped stays stopped: not even ha",
	  HA3 "want stopped 3; assign hv1 down t6 e1 s3; said hv1 t6 idle down", "" },
	{ "stopped stays stopped when a node is lost and comes back",
	  HA3 "want stopped 3; assign hv1 down t6 e1 s3; said hv1 t6 idle down; node hv1 e2; node hv2 lost e2", "" },
	{ "stop while its node is being lost",
	  HA3 "want stopped 3; " UP1 "node hv1 lost e2", "hv1 down t6 e2 s2 lost" },
	{ "stop when frozen",
	  HA3 "frozen; want stopped 3; " UP1, "hv1 down t6 e1 s3" },
	{ "stop when disabled",
	  HA3 "disabled; want stopped 3; " UP1, "hv1 down t6 e1 s3" },
	{ "stop when too many nodes are dead",
	  HA3 "want stopped 3; " UP1 "node hv2 lost e2; node hv3 lost e2", "hv1 down t6 e1 s3" },
	{ "a stop that failed is left",
	  HA3 "want stopped 3; assign hv1 down t6 e1 s3; said hv1 t6 stop-failed warn", "" },
	{ "a stop that failed is tried again when it is asked again",
	  HA3 "want stopped 4; assign hv1 down t6 e1 s3; said hv1 t6 stop-failed warn", "hv1 down t7 e1 s4" },
};

static const struct row moves[] = {
	{ "move: first down",
	  HA3 "want started 3 on hv2; " UP1, "hv1 down t6 e1 s3" },
	{ "move: not yet known there",
	  HA3 "want started 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t5 idle up once", "" },
	{ "move: stopping",
	  HA3 "want started 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t6 stopping warn", "" },
	{ "move: all down, but not settled (an app that cannot be asked)",
	  HA3 "want started 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t6 stopping n/a", "" },
	{ "move: down",
	  HA3 "want started 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t6 idle down", "hv2 up t7 e1 s3" },
	{ "move: down is said of an older stop",
	  HA3 "want started 5 on hv2; assign hv1 down t8 e1 s5; said hv1 t4 idle down", "" },
	{ "move: something is not known",
	  HA3 "want started 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t6 idle undef",
	  "blocked: something of it is still up on hv1 (or it is not known): stop it there by hand" },
	{ "move: the stop failed",
	  HA3 "want started 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t6 stop-failed warn",
	  "blocked: hv1 could not stop it: stop failed" },
	{ "move: the source dies while it stops",
	  HA3 "want started 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t6 stopping warn; node hv1 lost e2",
	  "hv1 down t7 e2 s0 lost; hv2 up t8 e1 s3" },
	{ "move: the target dies before it is up: back, with ha",
	  HA3 "want started 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t6 idle down; node hv2 lost e2",
	  "hv1 up t7 e1 s3; blocked: web was asked to run on hv2, which is not up" },
	{ "move: the target is down: it stays",
	  HA3 "want started 3 on hv2; " UP1 "node hv2 lost e2",
	  "blocked: web was asked to run on hv2, which is not up" },
	{ "move: the target is frozen: it stays",
	  HA3 "want started 3 on hv2; " UP1 "node hv2 frozen e1",
	  "blocked: web was asked to run on hv2, which is frozen" },
	{ "move of a frozen service is a person's doing",
	  HA3 "frozen; want started 3 on hv2; " UP1, "hv1 down t6 e1 s3" },
	{ "move when disabled",
	  HA3 "disabled; want started 3 on hv2; " UP1,
	  "blocked: web is disabled in its env file: 'encap set web disable=false'" },
	{ "move to where it is",
	  HA3 "want started 3 on hv1; " UP1, "hv1 up t6 e1 s3" },
	{ "moved: stays there",
	  HA3 "want started 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t6 idle down; assign hv2 up t7 e1 s3; said hv2 t7 idle up once", "" },
	{ "an edit took its node away",
	  "ha hv2 hv3; node hv1 e1; want started 2; " UP1, "hv1 down t6 e1 s2" },
};

static const struct row restarts[] = {
	{ "restart: first down",
	  HA3 "want restart 3; " UP1, "hv1 down t6 e1 s3" },
	{ "restart: stopping",
	  HA3 "want restart 3; assign hv1 down t6 e1 s3; said hv1 t6 stopping warn", "" },
	{ "restart: up again, on the same node",
	  "ha hv2 hv1; want restart 3; assign hv1 down t6 e1 s3; said hv1 t6 idle down; assign hv2 down t3 e1 s1; said hv2 t3 idle down",
	  "hv1 up t7 e1 s3; started goes on" },
	{ "restart of what is down is a start",
	  HA3 "want restart 3; assign hv1 down t6 e1 s2; said hv1 t6 idle down", "hv1 up t7 e1 s3; started goes on" },
	{ "restart on another node",
	  HA3 "want restart 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t6 idle down", "hv2 up t7 e1 s3; started goes on" },
	{ "restart: its node dies in between",
	  NO3 "want restart 3; assign hv1 down t6 e1 s3; said hv1 t6 stopping warn; node hv1 lost e2",
	  "hv1 down t7 e2 s0 lost; hv2 up t8 e1 s3; started goes on" },
	{ "restart of what runs unasked",
	  HA3 "want restart 3; said hv2 t0 idle up", "hv2 down t1 e1 s3" },
	{ "restart when disabled stops nothing",
	  HA3 "disabled; want restart 3; " UP1, "" },
	{ "restart when the stop failed",
	  HA3 "want restart 3; assign hv1 down t6 e1 s3; said hv1 t6 stop-failed warn",
	  "blocked: hv1 could not stop it: stop failed" },
};

static const struct row failovers[] = {
	{ "ha: its node is lost",
	  HA3 "want started 2; " UP1 "node hv1 lost e2", "hv1 down t6 e2 s2 lost; hv2 up t7 e1 s2" },
	{ "ha: its node looks dead but its lease may hold",
	  HA3 "want started 2; " UP1 "node hv1 lost e1", "" },
	{ "ha: its node was lost and is back: the first again",
	  HA3 "want started 2; " UP1 "node hv1 e2", "hv1 up t6 e2 s2" },
	{ "ha: the second is frozen",
	  HA3 "want started 2; " UP1 "node hv1 lost e2; node hv2 frozen e1", "hv1 down t6 e2 s2 lost; hv3 up t7 e1 s2" },
	{ "ha: the service is frozen",
	  HA3 "frozen; want started 2; " UP1 "node hv1 lost e2",
	  "hv1 down t6 e2 s2 lost; blocked: web is frozen: 'encap thaw web' lets it be started again" },
	{ "ha: frozen, and its node is back",
	  HA3 "frozen; want started 2; assign hv1 down t6 e2 s2 lost; node hv1 e2",
	  "blocked: web is frozen: 'encap thaw web' lets it be started again" },
	{ "ha: more than half of the nodes look dead",
	  HA3 "want started 2; " UP1 "node hv1 lost e2; node hv2 lost e2",
	  "hv1 down t6 e2 s2 lost; blocked: 2 of 3 nodes are not up: nothing is started by itself until more are back, or 'encap node confirm-down NODE' says which are really down" },
	{ "ha: half of the nodes",
	  "ha hv1 hv2; want started 2; " UP1 "node hv1 lost e2", "hv1 down t6 e2 s2 lost; hv2 up t7 e1 s2" },
	{ "a person's start with most nodes dead",
	  HA3 "want started 3; assign hv1 down t6 e2 s2 lost; node hv1 lost e2; node hv2 lost e2", "hv3 up t7 e1 s3" },
	{ "ha: lost while it was stopping, and back: first its word",
	  HA3 "want started 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t6 stopping warn; node hv1 e2", "hv1 down t7 e2 s0 lost" },
	{ "ha: no automatic way back",
	  HA3 "want started 2; assign hv1 down t6 e2 s2 lost; node hv1 e2; assign hv2 up t7 e1 s2; said hv2 t7 idle up once", "" },
	{ "ha: back, and the second is lost",
	  HA3 "want started 2; assign hv1 down t6 e2 s2 lost; node hv1 e2; assign hv2 up t7 e1 s2; said hv2 t7 idle up once; node hv2 lost e2",
	  "hv2 down t8 e2 s2 lost; hv1 up t9 e2 s2" },
	{ "ha: back, but something withstood its killing",
	  HA3 "want started 2; assign hv1 down t6 e2 s2 lost; said hv1 t6 stopping warn; node hv1 e2; node hv3 frozen e1; assign hv2 up t7 e1 s2; said hv2 t7 idle up once; node hv2 lost e2; node x e1",
	  "hv2 down t8 e2 s2 lost; hv1 up t9 e2 s2" },
	{ "ha: ... so that no other node may run it",
	  HA3 "want started 2; assign hv1 down t6 e2 s2 lost; said hv1 t6 stopping warn; node hv1 frozen e2; assign hv2 up t7 e1 s2; said hv2 t7 idle up once; node hv2 lost e2",
	  "hv2 down t8 e2 s2 lost" },
	{ "ha: ... until that node is lost again",
	  "ha hv1 hv2 hv3 hv4; want started 2; assign hv1 down t6 e2 s2 lost; said hv1 t6 stopping warn; node hv1 lost e3; assign hv2 down t8 e2 s2 lost; node hv2 lost e2",
	  "hv1 down t9 e3 s2 lost; hv3 up t10 e1 s2" },
	{ "no: the service of a dead node stays down",
	  NO3 "want started 2; " UP1 "node hv1 lost e2",
	  "hv1 down t6 e2 s2 lost; blocked: web is down and has orchestrate = no: 'encap start web' starts it" },
	{ "no: also when the node is back",
	  NO3 "want started 2; assign hv1 down t6 e2 s2 lost; node hv1 e2",
	  "blocked: web is down and has orchestrate = no: 'encap start web' starts it" },
	{ "no: lost before its start had come to anything: the start is still asked for",
	  NO3 "want started 2; assign hv1 up t5 e1 s2; said hv1 t4 idle down; node hv1 lost e2",
	  "hv1 down t6 e2 s0 lost; hv2 up t7 e1 s2" },
	{ "no: its start failed and then its node died",
	  NO3 "want started 2; assign hv1 up t5 e1 s2; said hv1 t5 start-failed down; node hv1 lost e2",
	  "hv1 down t6 e2 s2 lost failed; blocked: web is down and has orchestrate = no: 'encap start web' starts it" },
	{ "start: stays down while a node is missing",
	  "start hv1 hv2 hv3; want started 2; " UP1 "node hv1 lost e2",
	  "hv1 down t6 e2 s2 lost; blocked: web is down and has orchestrate = start: it starts when all its nodes are there (hv1 is not), or by 'encap start web'" },
	{ "start: starts when all are there",
	  "start hv1 hv2 hv3; want started 2; assign hv1 down t6 e2 s2 lost; node hv1 e2", "hv1 up t7 e2 s2" },
	{ "start: not when it was stopped",
	  "start hv1 hv2 hv3; want stopped 3; assign hv1 down t6 e2 s2 lost; node hv1 e2", "" },
	{ "a node that nobody knows does not lose its lease",
	  "ha hv1 hv2; node hv2 e1; node hv1 lost e0; want started 2; " UP1, "" },
};

#define HAS HA3 "stonith; "
#define LOST "want started 2; " UP1 "node hv1 lost e2"

static const struct row fences[] = {
	{ "stonith: the lost node is fenced first, nothing is started",
	  HAS LOST, "fence hv1 e2; blocked: hv1 is lost and has to be fenced first (stonith = true)" },
	{ "stonith: it is under way: waited for",
	  HAS LOST " fencing", "blocked: hv1 is being fenced: nothing is started elsewhere before that is confirmed (stonith = true)" },
	{ "stonith: confirmed: the next takes over",
	  HAS LOST " f1 sure", "hv1 down t6 e2 s2 lost; hv2 up t7 e1 s2" },
	{ "stonith: it has failed: not tried by itself again, and told how to go on",
	  HAS LOST " nofence",
	  "blocked: hv1 is lost, and fencing it failed (no answer): 'encap node fence hv1' tries again, 'encap node confirm-down hv1' vouches that it is down" },
	{ "stonith: an earlier fence does not count",
	  HAS "want started 2; assign hv1 up t5 e3 s2; said hv1 t5 idle up once; node hv1 lost e4 f2",
	  "fence hv1 e4; blocked: hv1 is lost and has to be fenced first (stonith = true)" },
	{ "stonith: the node is back, and has stopped what it ran",
	  HAS "want started 2; " UP1 "node hv1 e2", "hv1 up t6 e2 s2" },
	{ "stonith: nothing of it was there: nothing to fence",
	  HAS "want started 2; assign hv1 down t6 e1 s2; said hv1 t6 idle down; node hv1 lost e2", "hv2 up t7 e1 s2" },
	{ "stonith: it was asked to stop there, and was not seen down",
	  HAS "want started 2; assign hv1 down t6 e1 s2; said hv1 t6 stopping warn; node hv1 lost e2",
	  "fence hv1 e2; blocked: hv1 is lost and has to be fenced first (stonith = true)" },
	{ "stonith: written off before that was asked for",
	  HAS "want started 2; assign hv1 down t6 e2 s2 lost; node hv1 lost e3", "hv1 down t7 e3 s2 lost; hv2 up t8 e1 s2" },
	{ "stonith: stopped by a person: nobody is fenced for it",
	  HAS "want stopped 3; " UP1 "node hv1 lost e2", "" },
	{ "stonith, frozen: nothing is to be started, so nobody is fenced",
	  HAS "frozen; " LOST,
	  "blocked: web is frozen: 'encap thaw web' lets it be started again" },
	{ "stonith, started by people alone: not for a failover",
	  NO3 "stonith; " LOST,
	  "blocked: web is down and has orchestrate = no: 'encap start web' starts it" },
	{ "stonith, started by people alone: a person starts it elsewhere",
	  NO3 "stonith; want started 3 on hv2; " UP1 "node hv1 lost e2",
	  "fence hv1 e2; blocked: hv1 is lost and has to be fenced first (stonith = true)" },
	{ "stonith: most nodes look dead: nobody is fenced",
	  HAS LOST "; node hv2 lost e2",
	  "blocked: 2 of 3 nodes are not up: nothing is started by itself until more are back, or 'encap node confirm-down NODE' says which are really down" },
	{ "most nodes look dead, but one is known to be down",
	  HA3 LOST "; node hv2 lost e2 sure", "hv1 down t6 e2 s2 lost; hv3 up t7 e1 s2" },
	{ "a stop failed at the last rung: the node is fenced",
	  HA3 "ladder fence; want started 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t6 stop-failed warn",
	  "fence hv1 e1 self; blocked: hv1 could not stop it: stop failed" },
	{ "a stop failed, and a stop was asked for: the same",
	  HA3 "ladder fence; want stopped 3; assign hv1 down t6 e1 s3; said hv1 t6 stop-failed warn", "fence hv1 e1 self" },
	{ "a stop failed, asked again: first it is tried again",
	  HA3 "ladder fence; want stopped 4; assign hv1 down t6 e1 s3; said hv1 t6 stop-failed warn", "hv1 down t7 e1 s4" },
	{ "a stop failed, the ladder ends before",
	  HA3 "ladder cut; want stopped 3; assign hv1 down t6 e1 s3; said hv1 t6 stop-failed warn", "" },
	{ "a stop failed, the fence is under way",
	  HA3 "ladder fence; want started 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t6 stop-failed warn; node hv1 e1 fencing",
	  "blocked: hv1 could not stop it: stop failed; hv1 is being fenced" },
	{ "a stop failed, and so did the fence: it never becomes stopped",
	  HA3 "ladder fence; want started 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t6 stop-failed warn; node hv1 e1 nofence",
	  "blocked: hv1 could not stop it: stop failed; fencing hv1 failed (no answer)" },
	{ "a stop failed, and the node was fenced: it is over there",
	  HA3 "ladder fence; want started 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t6 stop-failed warn; node hv1 lost e2 f1 sure",
	  "hv1 down t7 e2 s0 lost; hv2 up t8 e1 s3" },
	{ "a stop is under way: nobody is fenced",
	  HA3 "ladder fence; want stopped 3; assign hv1 down t6 e1 s3; said hv1 t6 stopping warn", "" },
};

static const struct row failures[] = {
	{ "ha: a failed start moves on: first down",
	  HA3 "want started 2; assign hv1 up t5 e1 s2; said hv1 t5 start-failed down", "hv1 down t6 e1 s2 failed" },
	{ "ha: not while something of it may be up",
	  HA3 "want started 2; assign hv1 down t6 e1 s2 failed; said hv1 t6 stopping warn", "" },
	{ "ha: then the next",
	  HA3 "want started 2; assign hv1 down t6 e1 s2 failed; said hv1 t6 idle down", "hv2 up t7 e1 s2" },
	{ "ha: nobody else: it stays failed",
	  "ha hv1 hv2; want started 2; assign hv2 down t6 e1 s2 failed; said hv2 t6 idle down; assign hv1 up t7 e1 s2; said hv1 t7 start-failed down",
	  "blocked: its start failed on hv2, hv1, and no other node can run it: mend the cause, then 'encap clear web'" },
	{ "ha: all have failed",
	  "ha hv1 hv2; node x e1; want started 2; assign hv2 down t6 e1 s2 failed; said hv2 t6 idle down; assign hv1 up t7 e1 s2; said hv1 t7 start-failed down; node hv1 lost e2",
	  "hv1 down t8 e2 s2 lost failed; blocked: no node is left to start web on: hv1 is not up; hv2 its start failed there" },
	{ "ha: a failure does not count for the next intent",
	  "ha hv1 hv2; want started 3; assign hv1 down t6 e1 s2 failed; said hv1 t6 idle down", "hv1 up t7 e1 s3" },
	{ "ha: a start asked anew is tried on the same node",
	  HA3 "want started 3; assign hv1 up t5 e1 s2; said hv1 t5 start-failed down", "hv1 up t6 e1 s3" },
	{ "ha: the failure of an older assignment does not count",
	  HA3 "want started 3; assign hv1 up t6 e1 s3; said hv1 t5 start-failed down", "" },
	{ "ha, frozen: stays",
	  HA3 "frozen; want started 2; assign hv1 up t5 e1 s2; said hv1 t5 start-failed down",
	  "blocked: its start failed on hv1, and it is frozen: mend the cause, then 'encap clear web'" },
	{ "ha without rollback: what is up is kept for a look",
	  HA3 "norollback; want started 2; assign hv1 up t5 e1 s2; said hv1 t5 start-failed warn",
	  "blocked: its start failed on hv1, and what is up is kept for a look (rollback = false): mend the cause, then 'encap clear web'" },
	{ "no: a failed start stays where it was asked for",
	  NO3 "want started 2; assign hv1 up t5 e1 s2; said hv1 t5 start-failed down",
	  "blocked: its start failed on hv1: mend the cause, then 'encap clear web'" },
	{ "move to a node where the start fails: back, with ha",
	  HA3 "want started 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t6 idle down; assign hv2 up t7 e1 s3; said hv2 t7 start-failed down",
	  "hv2 down t8 e1 s3 failed" },
	{ "... first down, then up",
	  HA3 "want started 3 on hv2; assign hv1 down t6 e1 s3; said hv1 t6 idle down; assign hv2 down t8 e1 s3 failed; said hv2 t8 idle down",
	  "hv1 up t9 e1 s3" },
};

#define FLEX2 HA3 "flex 2 3; "
#define TWO                                                                    \
	"assign hv1 up t1 e1 s1; said hv1 t1 idle up once; "                   \
	"assign hv2 up t2 e1 s1; said hv2 t2 idle up once; "

static const struct row flexes[] = {
	{ "as many as flex_target", FLEX2 "want started 1", "hv1 up t1 e1 s1; hv2 up t2 e1 s1" },
	{ "they are up: nothing", FLEX2 "want started 1; " TWO, "" },
	{ "one is lost: replaced",
	  FLEX2 "want started 1; " TWO "node hv1 lost e2", "hv1 down t3 e2 s1 lost; hv3 up t4 e1 s1" },
	{ "one is lost, orchestrate = no: a person's to do",
	  NO3 "flex 2 3; want started 1; " TWO "node hv1 lost e2",
	  "hv1 down t3 e2 s1 lost; blocked: web is not up as often as asked for and has orchestrate = no: 'encap start web' starts it" },
	{ "one is lost, frozen",
	  FLEX2 "frozen; want started 1; " TWO "node hv1 lost e2",
	  "hv1 down t3 e2 s1 lost; blocked: web is frozen: 'encap thaw web' lets it be started again" },
	{ "it is back: it is not one too many",
	  FLEX2 "want started 1; assign hv1 down t3 e2 s1 lost; said hv1 t3 idle down; node hv1 e2; "
	  "assign hv2 up t2 e1 s1; said hv2 t2 idle up once; assign hv3 up t4 e1 s1; said hv3 t4 idle up once", "" },
	{ "a smaller target: the last one goes", HA3 "flex 1 3; want started 1; " TWO, "hv2 down t3 e1 s1" },
	{ "a smaller target, orchestrate = no: nothing", NO3 "flex 1 3; want started 1; " TWO, "" },
	{ "a greater target", HA3 "flex 3 3; want started 1; " TWO, "hv3 up t3 e1 s1" },
	{ "a greater target than there are nodes up",
	  HA3 "flex 3 3; want started 1; node hv3 frozen e1; " TWO,
	  "blocked: 3 are asked for, 2 can be: no node is left to start web on: hv3 is frozen" },
	{ "move: to a third one", FLEX2 "want started 2 on hv3; " TWO, "hv2 down t3 e1 s2; hv1 up t4 e1 s2; hv3 up t5 e1 s2" },
	{ "move, flex_max = flex_target: first one down",
	  HA3 "flex 2 2; want started 2 on hv3; " TWO, "hv2 down t3 e1 s2; hv1 up t4 e1 s2" },
	{ "move, flex_max = flex_target: then up",
	  HA3 "flex 2 2; want started 2 on hv3; assign hv2 down t3 e1 s2; said hv2 t3 idle down; "
	  "assign hv1 up t4 e1 s2; said hv1 t4 idle up once", "hv3 up t5 e1 s2" },
	{ "stop", FLEX2 "want stopped 2; " TWO, "hv1 down t3 e1 s2; hv2 down t4 e1 s2" },
	{ "restart: all down", FLEX2 "want restart 2; " TWO, "hv1 down t3 e1 s2; hv2 down t4 e1 s2" },
	{ "restart: not all are down yet",
	  FLEX2 "want restart 2; assign hv1 down t3 e1 s2; said hv1 t3 idle down; assign hv2 down t4 e1 s2", "" },
	{ "restart: all are",
	  FLEX2 "want restart 2; assign hv1 down t3 e1 s2; said hv1 t3 idle down; assign hv2 down t4 e1 s2; said hv2 t4 idle down",
	  "hv1 up t5 e1 s2; hv2 up t6 e1 s2; started goes on" },
	{ "a start failed: another one",
	  FLEX2 "want started 1; assign hv1 up t1 e1 s1; said hv1 t1 start-failed down err; "
	  "assign hv2 up t2 e1 s1; said hv2 t2 idle up once", "hv1 down t3 e1 s1 failed; hv3 up t4 e1 s1" },
	{ "drpnodes are none of them", "ha hv1; drp dr1; flex 2 2; want started 1",
	  "hv1 up t1 e1 s1; blocked: 2 are asked for, 1 can be: no node is left to start web on" },
};

#define FARM                                                                   \
	"ha hv1 hv2; flex 2 2; vms vm1 vm2; vmfailover; want started 1; "      \
	"encap started 1; assign hv1 up t1 e1 s1; said hv1 t1 idle up once; "  \
	"assign hv2 up t2 e1 s1; said hv2 t2 idle up once; "
#define INVM1 "assign vm1 up t3 e1 s1; said vm1 t3 idle up once; "

/* Without an env file each hypervisor is taken to have each container. */
static const struct row farms[] = {
	{ "in one container", FARM, "vm1 up t3 e1 s1" },
	{ "it is up: nothing", FARM INVM1, "" },
	{ "its lease has run out: in the other one",
	  FARM INVM1 "member vm1 lost e2", "vm1 down t4 e2 s1 lost; vm2 up t5 e1 s1" },
	{ "no container has a lease",
	  FARM INVM1 "member vm1 lost e2; member vm2 lost e1",
	  "vm1 down t4 e2 s1 lost; blocked: no container is left to start web in: vm1 has no lease: its agent is not there, or is not in touch; "
	  "vm2 has no lease: its agent is not there, or is not in touch" },
	{ "move: down first", FARM INVM1 "encap started 2 on vm2", "vm1 down t4 e1 s2" },
	{ "move: not down yet", FARM "encap started 2 on vm2; assign vm1 down t4 e1 s2; said vm1 t4 stopping up", "" },
	{ "move: down", FARM "encap started 2 on vm2; assign vm1 down t4 e1 s2; said vm1 t4 idle down", "vm2 up t5 e1 s2" },
	{ "move: down, but it said so of another assignment",
	  FARM "encap started 2 on vm2; assign vm1 down t4 e1 s2; said vm1 t3 idle down", "" },
	{ "move: it has not said so, and its lease runs out",
	  FARM "encap started 2 on vm2; assign vm1 down t4 e1 s2; member vm1 lost e2", "vm1 down t5 e2 s0 lost; vm2 up t6 e1 s2" },
	{ "a lease of an older epoch is as good as none",
	  FARM "member vm1 e3; " INVM1, "vm1 up t4 e3 s1" },
	{ "a start failed: in the other one",
	  FARM "assign vm1 up t3 e1 s1; said vm1 t3 start-failed down err", "vm1 down t4 e1 s1 failed" },
	{ "a monitored resource stays down", FARM "assign vm1 up t3 e1 s1; said vm1 t3 idle warn once switch", "vm1 down t4 e1 s1 failed" },
	{ "stop of the encap level", FARM INVM1 "encap stopped 2", "vm1 down t4 e1 s2" },
	{ "restart of the encap level", FARM INVM1 "encap restart 2", "vm1 down t4 e1 s2" },
	{ "restart: it is down, up again", FARM "encap restart 2; assign vm1 down t4 e1 s2; said vm1 t4 idle down", "vm1 up t5 e1 s2; started goes on" },
	{ "frozen: a lost one is not replaced",
	  FARM INVM1 "frozen; member vm1 lost e2",
	  "vm1 down t4 e2 s1 lost; blocked: web is frozen: 'encap thaw web' lets it be started again" },
	{ "it was up in both without leases: the later one counts",
	  FARM "assign vm1 up t3 s1; assign vm2 up t4 s1", "vm1 down t5 s1" },
	{ "... and one that does not say that it is down stays in the way",
	  FARM "assign vm1 down t3 s1; assign vm2 down t4 s1; said vm2 t4 idle down; member vm1 lost e2", "" },
};

#define SOME                                                                   \
	"ha hv1 hv2; flex 2 2; vms vm1 vm2 vm3; vmflex 2; want started 1; "    \
	"encap started 1; assign hv1 up t1 e1 s1; said hv1 t1 idle up once; "  \
	"assign hv2 up t2 e1 s1; said hv2 t2 idle up once; "

static const struct row somes[] = {
	{ "in two of three containers", SOME, "vm1 up t3 s1; vm2 up t4 s1" },
	{ "they are up: nothing",
	  SOME "assign vm1 up t3 s1; said vm1 t3 idle up once; assign vm2 up t4 s1; said vm2 t4 idle up once", "" },
	{ "its start failed in one: another one",
	  SOME "assign vm1 up t3 s1; said vm1 t3 start-failed down; assign vm2 up t4 s1; said vm2 t4 idle up once", "vm1 down t5 s1 failed; vm3 up t6 s1" },
	{ "a person stops one: another one", SOME "slave vm1 stopped 2; assign vm1 up t3 s1; assign vm2 up t4 s1", "vm1 down t5 s2; vm3 up t6 s1" },
	{ "a person wants it in the third", SOME "slave vm3 started 2; assign vm1 up t3 s1; assign vm2 up t4 s1", "vm2 down t5 s1; vm3 up t6 s2" },
};

#define VM "vms vm1; "
#define VMUP "assign vm1 up t6 s2; said vm1 t6 idle up once; "
static const struct row encaps[] = {
	{ "start: both levels at once",
	  HA3 VM "want started 1; encap started 1", "hv1 up t1 e1 s1; vm1 up t2 s1" },
	{ "start of the hypervisor level alone",
	  HA3 VM "want started 1; encap stopped 0", "hv1 up t1 e1 s1" },
	{ "start of the encap level alone, container down",
	  HA3 VM "want stopped 0; encap started 1",
	  "blocked: the hypervisor level of web is stopped: 'encap start web' starts both levels" },
	{ "start of the encap level later",
	  HA3 VM "want started 2; " UP1 "encap started 3", "vm1 up t6 s3" },
	{ "up: nothing", HA3 VM "want started 2; encap started 2; " UP1 VMUP, "" },
	{ "start again of the encap level", HA3 VM "want started 2; encap started 3; " UP1 VMUP, "vm1 up t7 s3" },
	{ "start again of the hypervisor level", HA3 VM "want started 3; encap started 2; " UP1 VMUP, "hv1 up t7 e1 s3" },
	{ "stop: both at once",
	  HA3 VM "want stopped 3; encap stopped 3; " UP1 VMUP, "hv1 down t7 e1 s3; vm1 down t8 s3" },
	{ "stop of the encap level",
	  HA3 VM "want started 2; encap stopped 3; " UP1 VMUP, "vm1 down t7 s3" },
	{ "stop of the hypervisor level: the encap level is not told to stop",
	  HA3 VM "want stopped 3; encap started 2; " UP1 VMUP, "hv1 down t7 e1 s3" },
	{ "... and is there again with its container",
	  HA3 VM "want started 4; encap started 2; assign hv1 down t7 e1 s3; said hv1 t7 idle down; " VMUP, "hv1 up t8 e1 s4; vm1 up t9 s2" },
	{ "move: the inside goes down first, with the outside",
	  HA3 VM "want started 3 on hv2; encap started 3; " UP1 VMUP, "hv1 down t7 e1 s3; vm1 down t8 s3" },
	{ "move: and up with it",
	  HA3 VM "want started 3 on hv2; encap started 3; assign hv1 down t7 e1 s3; said hv1 t7 idle down; assign vm1 down t8 s3; said vm1 t8 idle down",
	  "hv2 up t9 e1 s3; vm1 up t10 s3" },
	{ "failover: a new assignment inside, too",
	  HA3 VM "want started 2; encap started 2; " UP1 VMUP "node hv1 lost e2",
	  "hv1 down t7 e2 s2 lost; hv2 up t8 e1 s2; vm1 up t9 s2" },
	{ "failover leaves what was stopped inside stopped",
	  HA3 VM "want started 2; encap stopped 3; " UP1 "assign vm1 down t7 s3; said vm1 t7 idle down; node hv1 lost e2",
	  "hv1 down t8 e2 s2 lost; hv2 up t9 e1 s2" },
	{ "no failover: the inside is down with its container",
	  NO3 VM "want started 2; encap started 2; " UP1 VMUP "node hv1 lost e2",
	  "hv1 down t7 e2 s2 lost; vm1 down t8 s2; blocked: web is down and has orchestrate = no: 'encap start web' starts it" },
	{ "restart of both",
	  HA3 VM "want restart 3; encap started 3; " UP1 VMUP, "hv1 down t7 e1 s3; vm1 down t8 s3" },
	{ "restart of both, second half",
	  HA3 VM "want restart 3; encap started 3; assign hv1 down t7 e1 s3; said hv1 t7 idle down; assign vm1 down t8 s3",
	  "hv1 up t9 e1 s3; started goes on; vm1 up t10 s3" },
	{ "restart of one container: down",
	  HA3 "vms vm1 vm2; want started 2; encap started 2; slave vm1 restart 3; " UP1 VMUP "assign vm2 up t4 s2", "vm1 down t7 s3" },
	{ "restart of one container: wait",
	  HA3 "vms vm1 vm2; want started 2; encap started 2; slave vm1 restart 3; " UP1 "assign vm1 down t7 s3; said vm1 t7 stopping warn; assign vm2 up t4 s2", "" },
	{ "restart of one container: up",
	  HA3 "vms vm1 vm2; want started 2; encap started 2; slave vm1 restart 3; " UP1 "assign vm1 down t7 s3; said vm1 t7 idle down; assign vm2 up t4 s2",
	  "vm1 up t8 s3; started vm1 goes on" },
	{ "restart of a container that is down with its host",
	  HA3 VM "want stopped 2; encap stopped 2; slave vm1 restart 3", "started vm1 goes on" },
	{ "stop of one container of two",
	  HA3 "vms vm1 vm2; want started 2; encap started 2; slave vm2 stopped 3; " UP1 VMUP "assign vm2 up t4 s2", "vm2 down t7 s3" },
	{ "a stop that failed inside is tried again",
	  HA3 VM "want stopped 4; encap stopped 4; assign hv1 down t7 e1 s3; said hv1 t7 stop-failed warn; assign vm1 down t8 s3; said vm1 t8 stop-failed warn",
	  "hv1 down t9 e1 s4; vm1 down t10 s4" },
	{ "a failed start moves on: both down",
	  HA3 VM "want started 2; encap started 2; assign hv1 up t5 e1 s2; said hv1 t5 start-failed down; assign vm1 up t6 s2; said vm1 t6 start-failed down",
	  "hv1 down t7 e1 s2 failed; vm1 down t8 s2" },
	{ "a container that an edit took away",
	  HA3 "vms vm2; want started 2; encap started 2; " UP1 VMUP, "vm2 up t7 s2; vm1 down t8 s2" },
};

static const struct row whys[] = {
	{ "a start", HA3 VM "want started 1; encap started 1",
	  "hv1 up t1 e1 s1 (ann asked for a start); vm1 up t2 s1 (its container is started on hv1)" },
	{ "a failover", HA3 "want started 2; " UP1 "node hv1 lost e2",
	  "hv1 down t6 e2 s2 lost (the lease of epoch 1 has run out: nothing of it can run on hv1); hv2 up t7 e1 s2 (hv2 is the first that can run it)" },
	{ "a failed start", HA3 "want started 2; assign hv1 up t5 e1 s2; said hv1 t5 start-failed down err",
	  "hv1 down t6 e1 s2 failed (its start failed on hv1: hv2 is next (start fs#1: no such device))" },
	{ "a switch", HA3 "want started 2; assign hv1 up t5 e1 s2; said hv1 t5 idle warn once switch",
	  "hv1 down t6 e1 s2 failed (hv1 cannot keep it up: hv2 is next (monitor_action = switch))" },
	{ "a switch, though nothing is to be rolled back", HA3 "norollback; want started 2; assign hv1 up t5 e1 s2; said hv1 t5 idle warn once switch",
	  "hv1 down t6 e1 s2 failed (hv1 cannot keep it up: hv2 is next (monitor_action = switch))" },
	{ "a switch that is not ours to do", "no hv1 hv2; want started 2; assign hv1 up t5 e1 s2; said hv1 t5 idle warn once switch",
	  "blocked: it cannot be kept up on hv1: mend the cause, then 'encap clear web'" },
	{ "a switch while it is frozen", HA3 "frozen; want started 2; assign hv1 up t5 e1 s2; said hv1 t5 idle warn once switch",
	  "blocked: it cannot be kept up on hv1, and it is frozen: mend the cause, then 'encap clear web'" },
	{ "a switch with nobody else", "ha hv1; want started 2; assign hv1 up t5 e1 s2; said hv1 t5 idle warn once switch",
	  "blocked: it cannot be kept up on hv1, and no other node can run it: mend the cause, then 'encap clear web'" },
	{ "a switch under an older assignment", HA3 "want started 2; assign hv1 up t6 e1 s2; said hv1 t5 idle warn once switch", "" },
	{ "a move", HA3 "want started 3 on hv3; " UP1, "hv1 down t6 e1 s3 (moves from hv1 to hv3)" },
	{ "a stop", HA3 VM "want stopped 3; encap stopped 3; " UP1 VMUP,
	  "hv1 down t7 e1 s3 (ann asked for a stop); vm1 down t8 s3 (its container is to be stopped)" },
	{ "a stop inside", HA3 VM "want started 2; encap stopped 3; " UP1 VMUP, "vm1 down t7 s3 (ann asked for a stop)" },
	{ "a restart", HA3 "want restart 3; " UP1, "hv1 down t6 e1 s3 (ann asked for a restart)" },
	{ "a restart goes on", HA3 "want restart 3",
	  "hv1 up t1 e1 s3 (ann asked for a restart); started goes on (all of it was stopped, now it is started again)" },
	{ "two at once", HA3 "want started 2; " UP1 "assign hv2 up t3 e1 s2", "hv2 down t6 e1 s2 (it is assigned to hv1)" },
};

static const struct row may_start[] = {
	{ "nowhere else", HA3 "", "" },
	{ "it was stopped elsewhere", HA3 "assign hv2 down t4 e1 s1; said hv2 t4 idle down", "" },
	{ "n/a is down", HA3 "assign hv2 down t4 e1 s1; said hv2 t4 idle n/a", "" },
	{ "standby is not running", HA3 "assign hv2 down t4 e1 s1; said hv2 t4 idle stdby-up", "" },
	{ "itself does not count", HA3 UP1, "" },
	{ "assigned up elsewhere", HA3 "assign hv2 up t4 e1 s1; said hv2 t4 idle down",
	  "hv2 runs it and has a lease of epoch 1" },
	{ "... and lost", HA3 "assign hv2 up t4 e1 s1; said hv2 t4 idle up; node hv2 lost e2", "" },
	{ "down, not confirmed", HA3 "assign hv2 down t5 e1 s1; said hv2 t4 idle down",
	  "hv2 has not confirmed yet that nothing of it runs there any more" },
	{ "down, nothing said", HA3 "assign hv2 down t5 e1 s1",
	  "hv2 has not confirmed yet that nothing of it runs there any more" },
	{ "down, not confirmed, lost", HA3 "assign hv2 down t5 e1 s1; node hv2 lost e2", "" },
	{ "down, lost while it was stopping, and back: its word counts", HA3 "assign hv2 down t5 e1 s1; said hv2 t5 stopping warn; node hv2 e2",
	  "hv2 has not confirmed yet that nothing of it runs there any more" },
	{ "down, lost while it was stopping, and not back", HA3 "assign hv2 down t5 e1 s1; said hv2 t5 stopping warn; node hv2 lost e2", "" },
	{ "down, lost, written off, not heard since", HA3 "assign hv2 down t6 e2 s0 lost; said hv2 t5 stopping warn; node hv2 e2", "" },
	{ "down, stop failed", HA3 "assign hv2 down t5 e1 s1; said hv2 t5 stop-failed warn err",
	  "hv2 could not stop it: start fs#1: no such device" },
	{ "an unknown node", "ha hv1; node hv1 e1; assign zz up t1 e1 s1", "zz runs it and has a lease of epoch 1" },
};
// clang-format on

static struct doc *rotated(struct arena *a, const struct doc *map, size_t by,
			   bool back)
{
	struct doc *r = doc_map(a);
	size_t n = doc_len(map);

	for (size_t i = 0; i < n; i++) {
		size_t at = (i + by) % n;
		const struct doc *d = doc_at(map, back ? n - 1 - at : at);

		doc_put(a, r, d->key, doc_copy(a, d));
	}
	return r;
}

/* The order in which the state is presented. */
static struct plan_state reordered(const struct plan_state *s, size_t by,
				   bool back)
{
	struct plan_state r = *s;

	r.assigns = rotated(s->a, s->assigns, by, back);
	r.instances = rotated(s->a, s->instances, by, !back);
	for (size_t i = 0; i < s->n_nodes; i++) {
		size_t at = (i + by) % s->n_nodes;

		r.nodes[i] = s->nodes[back ? s->n_nodes - 1 - at : at];
	}
	return r;
}

static void check(const struct row *row, bool why)
{
	SCOPED(arena) struct arena *a = arena_new();
	struct plan_state s = plan_parse(a, row->state);

	for (size_t i = 0; i < 8; i++) {
		struct plan_state r = reordered(&s, i / 2, i % 2);
		struct orch_in in = plan_in(&r);
		struct orch_out out;

		orchestrate(a, &in, &out);
		assert_string_equal(plan_decided(a, &out, why), row->decided);
	}
}

static void decides(void **state)
{
	check(*state, false);
}

static void explains(void **state)
{
	check(*state, true);
}

static void may_it(void **state)
{
	const struct row *row = *state;
	SCOPED(arena) struct arena *a = arena_new();
	struct plan_state s = plan_parse(a, row->state);
	struct orch_in in = plan_in(&s);
	const char *why = orch_may_start_elsewhere(a, &in, "hv1");

	assert_string_equal(why ? why : "", row->decided);
}

int main(void)
{
	return TABLE_RUN(starts, decides) + TABLE_RUN(stops, decides) +
	       TABLE_RUN(moves, decides) + TABLE_RUN(restarts, decides) +
	       TABLE_RUN(failovers, decides) + TABLE_RUN(fences, decides) + TABLE_RUN(failures, decides) +
	       TABLE_RUN(encaps, decides) + TABLE_RUN(flexes, decides) +
	       TABLE_RUN(farms, decides) + TABLE_RUN(somes, decides) +
	       TABLE_RUN(whys, explains) + TABLE_RUN(may_start, may_it);
}

/* The rows of every resource, whatever its group. */
#include "fsm/conf/keywords.h"

// clang-format off
#define REQUIRES(action, later) \
	{ "*", NULL, action "_requires", LIST, later, "resources, as rid or rid(state,...), that must be so before " action, \
	  .inherit = LEAF, \
	  .more = "As in 'fs#1 container#0(up,stdby up)'; without states: up or stdby up. Where it is not so " \
	  "the resource is not touched and the action fails; a run by a schedule is left out. Only resources " \
	  "of the same level are seen. The word impossible is never so." }

const struct keyword keywords_resource[] = {
	{ "*", NULL, "type", STRING, 0, "the driver",
	  .inherit = LEAF,
	  .more = "One of the types of its group, as in 'type = ext4'; 'encap explain GROUP' "
	  "lists them. It may have a scope: a node looks at the section with the keywords of "
	  "the type that it sees." },
	{ "*", NULL, "tags", LIST, 0, "words; encap, noaction and nostatus have an effect",
	  .fallback = "", .inherit = LEAF,
	  .more = "encap: see encap. noaction: left out of every action. nostatus: not "
	  "looked at, it shows n/a. Any other word is for selections such as --tags; files "
	  "of OpenSVC name a container here, for what it attached to that one." },
	{ "*", NULL, "encap", BOOL, 0, "the resource is in the containers, not on the hypervisor",
	  .fallback = "false", .inherit = LEAF, .from = FROM_V23,
	  .more = "Such a resource is driven by the agent in the container, and shown below "
	  "the container. encapnodes must name the containers." },
	{ "*", NULL, "subset", STRING, 0, "the part of its group to which it belongs",
	  .fallback = "", .inherit = LEAF,
	  .more = "Resources of a subset are started together, see [subset#GROUP:NAME]. "
	  "Subsets go by name, those without one first." },
	{ "*", NULL, "disable", BOOL, 0, "leave it out of every action; it shows n/a",
	  .fallback = "false", .inherit = LEAF,
	  .more = "For one node: 'disable@hv2 = true'. Never inherited from DEFAULT, where "
	  "it means the whole service." },
	{ "*", NULL, "optional", TRI, 0, "its failure fails no action; not counted in avail",
	  .more = "A failure is logged and the action goes on. What it shows is counted in "
	  "overall. By default true for syncs, tasks and what has the tag noaction." },
	{ "*", NULL, "monitor", BOOL, 0, "act when it goes down and no restarts are left",
	  .fallback = "false",
	  .more = "What is done then is monitor_action of the service." },
	{ "*", NULL, "restart", INTEGER, 0, "how often to start it again when it goes down",
	  .fallback = "0",
	  .more = "A number; 0 is never. The first restart is at once, each further one "
	  "after restart_delay. The count begins anew when the resource was seen up. A "
	  "standby resource is restarted at least twice." },
	{ "*", NULL, "restart_delay", TIME, 0, "the time between two restarts; the first comes at once",
	  .fallback = "500ms", .from = FROM_V23,
	  .more = "At least so long between two restarts; longer after each failure." },
	{ "*", NULL, "standby", BOOL, 0, "up on every node, whether the instance is up or not",
	  .fallback = "false", .from = FROM_V23,
	  .more = "Started on all nodes, and not stopped when the service stops or moves; "
	  "what is up shows 'stdby up'. For what another node needs at once, such as a "
	  "mirror." },
	{ "*", NULL, "always_on", LOWER, 0, "of older versions: where standby is true",
	  .inherit = LEAF, .from = FROM_V12,
	  .more = "Node names, and the words nodes and drpnodes. The same is said by "
	  "'standby@hv1 = true'." },
	{ "*", NULL, "optional_on", LOWER, 0, "of older versions: where optional is true",
	  .inherit = LEAF, .from = FROM_V1,
	  .more = "Node names, and the words nodes and drpnodes. The same is said by "
	  "'optional@hv1 = true'." },
	{ "*", NULL, "monitor_on", LOWER, 0, "of older versions: where monitor is true",
	  .inherit = LEAF, .from = FROM_V1,
	  .more = "Node names, and the words nodes and drpnodes. The same is said by "
	  "'monitor@hv1 = true'." },
	{ "*", NULL, "disable_on", LOWER, 0, "of older versions: where disable is true",
	  .inherit = LEAF, .from = FROM_V1,
	  .more = "Node names, and the words nodes and drpnodes. The same is said by "
	  "'disable@hv1 = true'." },
	{ "*", NULL, "enable_on", LOWER, 0, "of older versions: where disable is false",
	  .inherit = LEAF, .from = FROM_V1,
	  .more = "Node names, and the words nodes and drpnodes. The same is said by "
	  "'disable@hv1 = false'." },
	{ "*", NULL, "shared", TRI, 0, "provisioned once, not on every node",
	  .inherit = LEAF, .from = FROM_V23, .since = 2,
	  .more = "What several nodes see, such as a disk of an array, is made by one of "
	  "them alone: so it is by default. false: each node has one of its own, and makes "
	  "it." },
	{ "*", NULL, "provision", BOOL, 0, "false: leave it out of provision",
	  .inherit = LEAF, .from = FROM_V23,
	  .more = "What this resource needs was made by others." },
	{ "*", NULL, "unprovision", BOOL, 0, "false: leave it out of unprovision",
	  .inherit = LEAF, .from = FROM_V23,
	  .more = "Its data stays when the service is unprovisioned." },
	{ "*", NULL, "start_timeout", TIME, 0, "how long a start may take",
	  .more = "A start that takes longer is ended and has failed. By default as long as "
	  "the driver allows." },
	{ "*", NULL, "stop_timeout", TIME, 0, "how long a stop may take",
	  .more = "A stop that takes longer is ended; a container is then stopped by force. "
	  "By default as long as the driver allows." },
	{ "*", NULL, "schedule", STRING, LATER, "when it runs or is looked at",
	  .inherit = LEAF, .from = FROM_V23,
	  .more = "A schedule as of a task, for when it is looked at; by default "
	  "status_schedule of the service." },
	{ "*", NULL, "token_file", STRING, 0, "a file on shared storage that holds the newest token",
	  .inherit = LEAF, .from = FROM_OURS,
	  .more = "Each decision about a service has a number that grows, its token. A start "
	  "puts that of its assignment there, under a lock, and is refused where a greater one "
	  "is: a start that was begun in time and hung until another node had taken over does "
	  "nothing. On storage that all nodes of the service see without this resource. A "
	  "service that is deleted and made anew begins at 1: remove the file." },
	{ "*", NULL, "comment", STRING, 0, "a note for people",
	  .inherit = LEAF,
	  .more = "Free text; nothing looks at it." },
	{ "*", NULL, "scsireserv", BOOL, LATER, "reserve its disks for the node that runs it",
	  .inherit = LEAF,
	  .more = "A SCSI-3 persistent reservation on the devices below the resource, taken "
	  "when it starts. It shows as a resource of its own, RID and 'pr'." },
	{ "*", NULL, "prkey", STRING, LATER, "the reservation's key",
	  .depends = "scsireserv=true",
	  .more = "Each node needs a key of its own, up to 16 hexadecimal digits, as in "
	  "'prkey@hv1 = 0x0001'." },
	{ "*", NULL, "promote_rw", BOOL, LATER, "make its disks writable first",
	  .inherit = LEAF,
	  .more = "Where an array offers a copy read-only until it is asked for." },
	{ "*", NULL, "no_preempt_abort", BOOL, LATER, "take reservations with preempt, not preempt and abort",
	  .depends = "scsireserv=true", .inherit = LEAF,
	  .more = "For disks that know no preempt and abort. What the other node had in "
	  "flight is then not ended." },
	REQUIRES("start", 0), REQUIRES("stop", 0), REQUIRES("provision", 0),
	REQUIRES("unprovision", 0), REQUIRES("run", 0), REQUIRES("sync", 0),
	TRIGGERS("*", 0),
	CGROUP("*"),
	{ 0 },
};
// clang-format on

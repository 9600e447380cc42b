/* The rows of the service itself: DEFAULT and subset. */
#include "fsm/conf/keywords.h"

// clang-format off
const struct keyword keywords_service[] = {
	{ "DEFAULT", NULL, "nodes", NODES, MUST, "the hypervisors that may run the service, best first",
	  .more = "The order counts: with placement = nodes order the first that can runs "
	  "the service. Names are lower-cased, each counts once, and blanks separate them, "
	  "as in 'nodes = hv1 hv2'. A line without a scope is required: who may run the "
	  "service must not depend on who asks." },
	{ "DEFAULT", NULL, "drpnodes", NODES, 0, "the hypervisors of the disaster recovery site",
	  .fallback = "",
	  .more = "They are used when a person asks for it, not by a failover from nodes. "
	  "The scope @drpnodes holds on them, so that 'ipname@drpnodes' gives the address of "
	  "that site." },
	{ "DEFAULT", NULL, "drpnode", NODES, 0, "the first of drpnodes",
	  .from = FROM_V12,
	  .more = "A node that is put in front of drpnodes if it is not in that list. Older "
	  "files have it; write drpnodes." },
	{ "DEFAULT", NULL, "encapnodes", NODES, FIXED, "the containers that run the encap resources",
	  .fallback = "",
	  .more = "A resource with 'encap = true' runs in one of them. The names are the "
	  "host names of the containers, as the keyword hostname of their container# "
	  "sections gives them, and no hypervisor may have one of them. Every node must read "
	  "the same list, so it has no scope." },
	{ "DEFAULT", NULL, "topology", STRING, 0, "failover: up on one node; flex: on several",
	  .fallback = "failover", .candidates = "failover flex", .aliases = "cluster_type",
	  .more = "With failover at most one instance is up at any time, and a node must "
	  "hold a lease to run it. With flex as many instances are up as flex_target says, each on "
	  "a node of its own. With the scope @encapnodes it says the same of what runs in "
	  "the containers, of which there is one on each hypervisor then (topologies.md); "
	  "without it that is up in each container that is." },
	{ "DEFAULT", NULL, "flex_primary", LOWER, 0, "the first among the nodes of a flex service",
	  .fallback = "{nodes[0]}",
	  .more = "Of a flex service: the node whose data the others copy. The scope "
	  "@flex_primary holds on it." },
	{ "DEFAULT", NULL, "drp_flex_primary", LOWER, 0, "the first among drpnodes",
	  .more = "As flex_primary, for the disaster recovery site; by default the first of "
	  "drpnodes. The scope @drp_flex_primary holds on it." },
	{ "DEFAULT", NULL, "flex_min", INTEGER, 0, "fewer instances up than this: warn",
	  .fallback = "1", .depends = "topology=flex", .aliases = "flex_min_nodes",
	  .more = "A number of instances, cut to what there are nodes. With fewer up the "
	  "service shows warn." },
	{ "DEFAULT", NULL, "flex_max", INTEGER, 0, "more instances up than this: warn",
	  .fallback = "{#nodes}", .depends = "topology=flex", .aliases = "flex_max_nodes",
	  .more = "A number of instances, at least flex_min; 0 is no limit, which is as many "
	  "as there are nodes. With more up the service shows warn. No more are up at any "
	  "time, also while one is moved." },
	{ "DEFAULT", NULL, "flex_target", INTEGER, 0, "how many instances to start",
	  .fallback = "{flex_min}", .depends = "topology=flex", .from = FROM_V23,
	  .more = "A number of instances between flex_min and flex_max, that the cluster "
	  "starts and keeps up where orchestrate = ha, and above which it stops the surplus. "
	  "With the scope @encapnodes the number of containers." },
	{ "DEFAULT", NULL, "flex_cpu_low_threshold", INTEGER, LATER, "below: the service could do with fewer instances",
	  .fallback = "10", .depends = "topology=flex", .from = FROM_V12,
	  .more = "A percentage of the nodes' processors. Only a collector's alerts looked "
	  "at it." },
	{ "DEFAULT", NULL, "flex_cpu_high_threshold", INTEGER, LATER, "above: the service needs more instances",
	  .fallback = "90", .depends = "topology=flex", .from = FROM_V12,
	  .more = "A percentage of the nodes' processors. Only a collector's alerts looked "
	  "at it." },
	{ "DEFAULT", NULL, "orchestrate", STRING, 0, "no: by hand; start: once, at boot; ha: failover too",
	  .fallback = "no", .candidates = "no start ha",
	  .more = "no: a person starts and stops it, and resources that went down are only "
	  "restarted. start: it is started once, when the nodes come up and it runs nowhere. "
	  "ha: it is started where it was asked to be up, and elsewhere when its node is "
	  "lost. On drpnodes only by hand, unless 'orchestrate@drpnodes = ha' says that they "
	  "are used once none of nodes is left." },
	{ "DEFAULT", NULL, "placement", STRING, 0, "how nodes are ranked, as in: placement = load avg",
	  .fallback = "nodes order", .candidates = "none, nodes order, load avg, shift, spread, score, last start", .from = FROM_V23,
	  .more = "nodes order: by their order in nodes. load avg: the least loaded of the "
	  "last 15 minutes first. shift: the order of nodes, turned by the number in the "
	  "service's name. spread: by a hash of the service and the node, so that services "
	  "spread evenly. score: by how idle a node is. last start: where it was started "
	  "last. none: no order, and no wish to be moved back. This version does not "
	  "measure how busy nodes are: load avg and score rank as nodes order does." },
	{ "DEFAULT", NULL, "priority", INTEGER, 0, "lower acts first",
	  .fallback = "50", .from = FROM_V23,
	  .more = "From 0. Where several services are to be decided on at once, as after a "
	  "node was lost, that of the lower number comes first. It does not wait for the "
	  "others, nor they for it: parents say what has to be up first." },
	{ "DEFAULT", NULL, "parents", LIST, 0, "services, as name or name@node, that must be up before this one starts",
	  .from = FROM_V23,
	  .more = "A start waits until each of them is up (or has nothing to be up), a stop "
	  "of a parent does not wait for this one. 'db@hv1' is the instance on that node "
	  "alone." },
	{ "DEFAULT", NULL, "children", LIST, 0, "services that must be down before this one stops",
	  .from = FROM_V23,
	  .more = "The other side of parents: a stop of this service waits until each of "
	  "them is down." },
	{ "DEFAULT", NULL, "slaves", LIST, LATER, "services that start and stop with this one",
	  .from = FROM_V23,
	  .more = "They are started after this service is up, and stopped before it. Nothing "
	  "else is done by it: each has an orchestrate of its own." },
	{ "DEFAULT", NULL, "hard_affinity", LIST, 0, "services that must run on the same node",
	  .aliases = "affinity", .from = FROM_V23,
	  .more = "A node where one of them is not up is no candidate." },
	{ "DEFAULT", NULL, "hard_anti_affinity", LIST, 0, "services that must not run on the same node",
	  .aliases = "anti_affinity", .from = FROM_V23,
	  .more = "A node where one of them is up is no candidate, as in 'hard_anti_affinity "
	  "= db2' for two halves of a database." },
	{ "DEFAULT", NULL, "soft_affinity", LIST, 0, "services that should run on the same node",
	  .from = FROM_V23,
	  .more = "Nodes where they are up come first among the candidates; the others stay "
	  "candidates." },
	{ "DEFAULT", NULL, "soft_anti_affinity", LIST, 0, "services that should not run on the same node",
	  .from = FROM_V23,
	  .more = "Nodes where they are up come last among the candidates." },
	{ "DEFAULT", NULL, "constraints", STRING, 0, "an expression; false: the node is no candidate",
	  .from = FROM_V23,
	  .more = "Evaluated for each node, with its references, as in '$(\"{nodename}\" in "
	  "(hv1, hv2))'. A node for which it is false is no candidate, whoever asks; an "
	  "instance that is up there is not stopped." },
	{ "DEFAULT", NULL, "monitor_action", LIST, 0, "what to do when a monitored resource stays down",
	  .candidates = "none reboot crash freezestop switch",
	  .more = "Looked at when a resource with 'monitor = true' is down, its restarts are "
	  "used up, and another node could take the service. none: nothing. switch: stop "
	  "here, start there. freezestop: stop and freeze here. reboot, crash: the machine "
	  "itself. A second word is what is done if the first fails." },
	{ "DEFAULT", NULL, "pre_monitor_action", STRING, CMD, "a command before monitor_action",
	  .from = FROM_V23,
	  .more = "It runs on the node that is about to act, and its failure is logged." },
	{ "DEFAULT", NULL, "stonith", BOOL, 0, "fence the lost node before a failover",
	  .fallback = "false", .depends = "topology=failover", .from = FROM_V23,
	  .more = "Without it a lost node has stopped what it ran, by its lease and its guard. "
	  "With true, a fence device of that node (fence#NODE of the cluster's configuration) "
	  "must have confirmed that it is off before another starts the service, or a "
	  "person, by 'encap node confirm-down'." },
	{ "DEFAULT", NULL, "stop_failed", STRING, 0, "how far to go when a stop fails",
	  .fallback = "kill", .candidates = "none kill cut fence", .from = FROM_OURS,
	  .more = "Each word includes those before it. none: it is left as it is. kill: stopped "
	  "by force. cut: the network of the container that does not stop is taken away. "
	  "fence: the machine is ended by its fence devices, and if none can, by itself "
	  "(encapd --allow-reboot). After the last it is 'stop failed', and is started "
	  "nowhere else until it is stopped, or its machine is fenced." },
	{ "DEFAULT", NULL, "rollback", BOOL, 0, "stop what a failed start has started",
	  .fallback = "true",
	  .more = "What was up before the start stays up. With false it is left half "
	  "started, for a person to look at." },
	{ "DEFAULT", NULL, "start_retries", INTEGER, 0, "how often a node tries a failed start again",
	  .fallback = "1", .depends = "orchestrate=ha",
	  .more = "On the same node, once all that was started is stopped again; after the "
	  "last the next node is asked, and then none: status says so, and 'encap clear' "
	  "begins anew. Not where rollback is false, nor while the service is frozen." },
	{ "DEFAULT", NULL, "start_retry_delay", TIME, 0, "the pause before the first of start_retries",
	  .fallback = "2s", .depends = "orchestrate=ha",
	  .more = "Twice as long before each further one, at most five minutes." },
	{ "DEFAULT", NULL, "lock_timeout", TIME, LATER, "how long an action waits for another",
	  .fallback = "60s", .from = FROM_V23,
	  .more = "Two actions on one service do not run at once. When the time is over the "
	  "action that waits fails." },
	{ "DEFAULT", NULL, "restart", INTEGER, 0, "the restarts of resources that do not say",
	  .from = FROM_V23,
	  .more = "See restart of a resource." },
	{ "DEFAULT", NULL, "env", STRING, 0, "PRD, DEV, TST, ...: what the service is for",
	  .aliases = "service_type svc_env",
	  .more = "By custom PRD is production, DEV development, TST tests. It is shown; "
	  "nothing is done or refused because of it." },
	{ "DEFAULT", NULL, "app", STRING, 0, "the application that the service belongs to",
	  .more = "Free text; a site's name of the application, for lists and reports." },
	{ "DEFAULT", NULL, "comment", STRING, 0, "a note for people",
	  .more = "Free text; nothing looks at it." },
	{ "DEFAULT", NULL, "sync_max_delay", MINUTES, 0, "how old a copy may be, of syncs that do not say",
	  .from = FROM_V12,
	  .more = "A sync whose last run is longer ago shows that the copy needs an update. "
	  "A bare number is minutes: '1440' is a day." },
	{ "DEFAULT", NULL, "sync_interval", MINUTES, 0, "the time between two runs of syncs that do not say",
	  .from = FROM_V1,
	  .more = "What it said is now in the schedule: 'sync_interval = 30' is "
	  "'sync_schedule = @30'." },
	{ "DEFAULT", NULL, "sync_days", STRING, 0, "the days on which syncs run",
	  .from = FROM_V1,
	  .more = "A JSON list of the days of the week. What it said is now in the schedule." },
	{ "DEFAULT", NULL, "sync_period", STRING, 0, "the times of day at which syncs run",
	  .from = FROM_V1,
	  .more = "A JSON list of time ranges. What it said is now in the schedule." },
	{ "DEFAULT", NULL, "bwlimit", SPEED, 0, "how fast syncs may copy that do not say",
	  .from = FROM_V23,
	  .more = "An amount per second, as in '20mb/s'." },
	{ "DEFAULT", NULL, "scale", INTEGER, LATER, "how many services to make of this one",
	  .from = FROM_V23,
	  .more = "A service that is a pattern for others, which are named NUMBER.NAME and "
	  "each run some of the instances." },
	{ "DEFAULT", NULL, "status_timeout", TIME, LATER, "how long a look at all resources may take",
	  .from = FROM_V3,
	  .more = "The resources that did not answer in that time show undef." },
	{ "DEFAULT", NULL, "provision_timeout", TIME, 0, "how long a provision may take",
	  .from = FROM_V3,
	  .more = "Of one resource; half an hour by default." },
	{ "DEFAULT", NULL, "unprovision_timeout", TIME, 0, "how long an unprovision may take",
	  .from = FROM_V3,
	  .more = "Of one resource; half an hour by default." },
	{ "DEFAULT", NULL, "sync_timeout", TIME, 0, "how long a sync may take",
	  .from = FROM_V3,
	  .more = "Each of them; one that takes longer is ended, and has failed. By default "
	  "there is no limit." },
	{ "DEFAULT", NULL, "id", STRING, FIXED, "a unique identifier",
	  .from = FROM_V23,
	  .more = "Written by the agents that came before, who told services apart by it. It "
	  "is kept, and nothing looks at it." },
	{ "DEFAULT", NULL, "mode", STRING, LATER, "of older versions; not used",
	  .from = FROM_V1,
	  .more = "Once the type of the container for the whole service. Since there are "
	  "container# sections it says nothing." },
	{ "DEFAULT", NULL, "autostart_node", LIST, LATER, "of older versions: see orchestrate and nodes",
	  .from = FROM_V12,
	  .more = "The nodes which started the service at boot. What it said is now "
	  "'orchestrate = start' (or ha) and the order of nodes." },
	{ "DEFAULT", NULL, "presnap_trigger", STRING, CMD | LATER, "a command before a snapshot",
	  .more = "Before a sync takes snapshots of file systems. Empty: none." },
	{ "DEFAULT", NULL, "postsnap_trigger", STRING, CMD | LATER, "a command after a snapshot",
	  .more = "After a sync has taken snapshots of file systems." },
	{ "DEFAULT", NULL, "container_data_dir", STRING, 0, "where container engines keep their data",
	  .aliases = "docker_data_dir",
	  .more = "Used by container# sections which do not say data_dir themselves." },
	{ "DEFAULT", NULL, "status_schedule", STRING, LATER, "when resources are looked at",
	  .fallback = "@10",
	  .more = "A schedule as of a task: '@10' is every 10 minutes, '@30s' every 30 "
	  "seconds." },
	{ "DEFAULT", NULL, "monitor_schedule", STRING, LATER, "when monitored resources are looked at",
	  .fallback = "@1",
	  .more = "A schedule; '@1' is every minute." },
	{ "DEFAULT", NULL, "resinfo_schedule", STRING, LATER, "when resource details are collected",
	  .fallback = "@60",
	  .more = "A schedule; '@60' is every hour." },
	{ "DEFAULT", NULL, "sync_schedule", STRING, 0, "when syncs run that do not say",
	  .fallback = "~04:00-06:00",
	  .more = "A schedule; '~04:00-06:00' is once in that time, at a random minute." },
	{ "DEFAULT", NULL, "run_schedule", STRING, 0, "when tasks run that do not say",
	  .from = FROM_V23,
	  .more = "A schedule, for task# sections without a schedule of their own." },
	{ "DEFAULT", NULL, "comp_schedule", STRING, LATER, "when compliance is checked",
	  .fallback = "~00:00-06:00",
	  .more = "A schedule, of the compliance checks that a collector asks for." },
	{ "DEFAULT", NULL, "push_schedule", STRING, LATER, "when the file is pushed to a collector",
	  .from = FROM_V12,
	  .more = "A schedule, of what is reported to a collector." },
	{ "DEFAULT", NULL, "disable", BOOL, 0, "refuse every action on the service",
	  .fallback = "false",
	  .more = "Its state is still shown. To leave out one resource, see disable of a "
	  "resource." },
	{ "DEFAULT", NULL, "aws", STRING, LATER, "the cloud's command line",
	  .from = FROM_V12,
	  .more = "The path of the aws program." },
	{ "DEFAULT", NULL, "aws_profile", STRING, LATER, "the cloud's profile",
	  .from = FROM_V12,
	  .more = "The profile that the aws program is called with." },
	CGROUP("DEFAULT"),
	TRIGGERS("DEFAULT", LATER),

	{ "subset", NULL, "parallel", BOOL, 0, "start and stop its resources at once",
	  .fallback = "false", .inherit = LEAF,
	  .more = "The subset is named after its group, as in [subset#fs:data], and holds "
	  "the resources that say 'subset = data'. The subsets of a group go one after the "
	  "other in the order of their names, whatever this says." },
	{ "subset", NULL, "comment", STRING, 0, "a note for people",
	  .inherit = LEAF,
	  .more = "Free text; nothing looks at it." },
	CGROUP("subset"),
	TRIGGERS("subset", LATER),
	{ 0 },
};
// clang-format on

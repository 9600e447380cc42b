/*
 * The rows. Order shows in help and completion: by group, the common first.
 * A fallback may hold references; {{rid}.name} is the name of this resource.
 */
#include "fsm/conf/keyword.h"

#define STRING	CONV_STRING
#define LIST	CONV_LIST
#define LOWER	CONV_LIST_LOWER
#define NODES	CONV_NODES
#define INTEGER CONV_INTEGER
#define BOOL	CONV_BOOLEAN
#define TRI	CONV_TRISTATE
#define TIME	CONV_DURATION
#define SIZE	CONV_SIZE
#define SHLEX	CONV_SHLEX
#define MUST	KW_REQUIRED
#define FIXED	KW_NO_SCOPE
#define ADVICE	KW_ANY_WORD
#define CMD	KW_COMMAND
#define LATER	KW_LATER

// clang-format off

/* pre, post, blocking_pre and blocking_post of one action. */
#define TRIGGER(group, action) \
	{ group, NULL, "pre_" action, STRING, NULL, CMD | LATER, LEAF, NULL, NULL, NULL, "a command before " action "; its failure is logged" }, \
	{ group, NULL, "post_" action, STRING, NULL, CMD | LATER, LEAF, NULL, NULL, NULL, "a command after " action "; its failure is logged" }, \
	{ group, NULL, "blocking_pre_" action, STRING, NULL, CMD | LATER, LEAF, NULL, NULL, NULL, "a command before " action "; its failure stops the action" }, \
	{ group, NULL, "blocking_post_" action, STRING, NULL, CMD | LATER, LEAF, NULL, NULL, NULL, "a command after " action "; its failure stops the action" }

#define TRIGGERS(group) \
	TRIGGER(group, "start"), TRIGGER(group, "stop"), \
	TRIGGER(group, "startstandby"), TRIGGER(group, "shutdown"), \
	TRIGGER(group, "provision"), TRIGGER(group, "unprovision"), \
	TRIGGER(group, "run"), TRIGGER(group, "sync_nodes"), \
	TRIGGER(group, "sync_drp"), TRIGGER(group, "sync_resync"), \
	TRIGGER(group, "sync_update"), TRIGGER(group, "sync_break"), \
	TRIGGER(group, "sync_all")

#define REQUIRES(action) \
	{ "*", NULL, action "_requires", LIST, NULL, LATER, LEAF, NULL, NULL, NULL, "resources, as rid or rid(state,...), that must be so before " action }

#define CGROUP(group) \
	{ group, NULL, "create_pg", BOOL, NULL, LATER, LEAF, NULL, NULL, NULL, "put the processes in a cgroup of their own" }, \
	{ group, NULL, "pg_cpus", STRING, NULL, LATER, LEAF, NULL, NULL, NULL, "the CPUs they may run on, as 0-2,4" }, \
	{ group, NULL, "pg_mems", STRING, NULL, LATER, LEAF, NULL, NULL, NULL, "the memory nodes they may use" }, \
	{ group, NULL, "pg_cpu_shares", SIZE, NULL, LATER, LEAF, NULL, NULL, NULL, "their weight against others" }, \
	{ group, NULL, "pg_cpu_quota", STRING, NULL, LATER, LEAF, NULL, NULL, NULL, "the most CPU they may use, as 50%@2 or 10%@all" }, \
	{ group, NULL, "pg_mem_oom_control", STRING, NULL, LATER, LEAF, "0 1", NULL, NULL, "1: no out-of-memory kill" }, \
	{ group, NULL, "pg_mem_limit", SIZE, NULL, LATER, LEAF, NULL, NULL, NULL, "the most memory they may use" }, \
	{ group, NULL, "pg_vmem_limit", SIZE, NULL, LATER, LEAF, NULL, NULL, NULL, "the most memory and swap they may use" }, \
	{ group, NULL, "pg_mem_swappiness", INTEGER, NULL, LATER, LEAF, NULL, NULL, NULL, "how readily they are swapped" }, \
	{ group, NULL, "pg_blkio_weight", INTEGER, NULL, LATER, LEAF, NULL, NULL, NULL, "their weight at the disks, 10 to 1000" }

#define FS_MOUNTED "ext2 ext3 ext4 xfs btrfs bind tmpfs"
#define FS_DEVICE  "ext2 ext3 ext4 xfs btrfs bind"
#define FS_MADE    "ext2 ext3 ext4 xfs btrfs"

const struct keyword keyword_table[] = {
	/* group, types, name, converter, default, flags, inheritance, candidates, aliases, name in DEFAULT, help */
	{ "DEFAULT", NULL, "nodes", NODES, NULL, MUST, HEAD, NULL, NULL, NULL, "the hypervisors that may run the service, best first" },
	{ "DEFAULT", NULL, "drpnodes", NODES, "", 0, HEAD, NULL, NULL, NULL, "the hypervisors of the disaster recovery site" },
	{ "DEFAULT", NULL, "drpnode", NODES, NULL, 0, HEAD, NULL, NULL, NULL, "the first of drpnodes" },
	{ "DEFAULT", NULL, "encapnodes", NODES, "", FIXED, HEAD, NULL, NULL, NULL, "the containers that run the encap resources" },
	{ "DEFAULT", NULL, "topology", STRING, "failover", 0, HEAD, "failover flex", "cluster_type", NULL, "failover: up on one node; flex: on several" },
	{ "DEFAULT", NULL, "flex_primary", LOWER, "{nodes[0]}", 0, HEAD, NULL, NULL, NULL, "the first among the nodes of a flex service" },
	{ "DEFAULT", NULL, "drp_flex_primary", LOWER, NULL, 0, HEAD, NULL, NULL, NULL, "the first among drpnodes" },
	{ "DEFAULT", NULL, "flex_min", INTEGER, "1", 0, HEAD, NULL, "flex_min_nodes", NULL, "fewer instances up than this: warn" },
	{ "DEFAULT", NULL, "flex_max", INTEGER, "{#nodes}", 0, HEAD, NULL, "flex_max_nodes", NULL, "more instances up than this: warn" },
	{ "DEFAULT", NULL, "flex_target", INTEGER, "{flex_min}", 0, HEAD, NULL, NULL, NULL, "how many instances to start" },
	{ "DEFAULT", NULL, "flex_cpu_low_threshold", INTEGER, "10", LATER, HEAD, NULL, NULL, NULL, "below: the service could do with fewer instances" },
	{ "DEFAULT", NULL, "flex_cpu_high_threshold", INTEGER, "90", LATER, HEAD, NULL, NULL, NULL, "above: the service needs more instances" },
	{ "DEFAULT", NULL, "orchestrate", STRING, "no", 0, HEAD, "no start ha", NULL, NULL, "no: by hand; start: once, at boot; ha: failover too" },
	{ "DEFAULT", NULL, "placement", STRING, "nodes order", LATER, HEAD, NULL, NULL, NULL, "how nodes are ranked: nodes order, load avg, shift, spread, score, none" },
	{ "DEFAULT", NULL, "priority", INTEGER, "50", LATER, HEAD, NULL, NULL, NULL, "lower acts first" },
	{ "DEFAULT", NULL, "parents", LIST, NULL, LATER, HEAD, NULL, NULL, NULL, "services, as name or name@node, that must be up before this one starts" },
	{ "DEFAULT", NULL, "children", LIST, NULL, LATER, HEAD, NULL, NULL, NULL, "services that must be down before this one stops" },
	{ "DEFAULT", NULL, "slaves", LIST, NULL, LATER, HEAD, NULL, NULL, NULL, "services that start and stop with this one" },
	{ "DEFAULT", NULL, "hard_affinity", LIST, NULL, LATER, HEAD, NULL, "affinity", NULL, "services that must run on the same node" },
	{ "DEFAULT", NULL, "hard_anti_affinity", LIST, NULL, LATER, HEAD, NULL, "anti_affinity", NULL, "services that must not run on the same node" },
	{ "DEFAULT", NULL, "soft_affinity", LIST, NULL, LATER, HEAD, NULL, NULL, NULL, "services that should run on the same node" },
	{ "DEFAULT", NULL, "soft_anti_affinity", LIST, NULL, LATER, HEAD, NULL, NULL, NULL, "services that should not run on the same node" },
	{ "DEFAULT", NULL, "constraints", STRING, NULL, LATER, HEAD, NULL, NULL, NULL, "an expression; false: the node is no candidate" },
	{ "DEFAULT", NULL, "monitor_action", LIST, NULL, LATER, HEAD, "none reboot crash freezestop switch", NULL, NULL, "what to do when a monitored resource stays down" },
	{ "DEFAULT", NULL, "pre_monitor_action", STRING, NULL, CMD | LATER, HEAD, NULL, NULL, NULL, "a command before monitor_action" },
	{ "DEFAULT", NULL, "stonith", BOOL, "false", LATER, HEAD, NULL, NULL, NULL, "fence the lost node before a failover" },
	{ "DEFAULT", NULL, "rollback", BOOL, "true", 0, HEAD, NULL, NULL, NULL, "stop what a failed start has started" },
	{ "DEFAULT", NULL, "lock_timeout", TIME, "60s", LATER, HEAD, NULL, NULL, NULL, "how long an action waits for another" },
	{ "DEFAULT", NULL, "restart", INTEGER, NULL, 0, HEAD, NULL, NULL, NULL, "the restarts of resources that do not say" },
	{ "DEFAULT", NULL, "env", STRING, NULL, 0, HEAD, NULL, "service_type svc_env", NULL, "PRD, DEV, TST, ...: what the service is for" },
	{ "DEFAULT", NULL, "app", STRING, NULL, 0, HEAD, NULL, NULL, NULL, "the application that the service belongs to" },
	{ "DEFAULT", NULL, "comment", STRING, NULL, 0, HEAD, NULL, NULL, NULL, "a note for people" },
	{ "DEFAULT", NULL, "id", STRING, NULL, FIXED, HEAD, NULL, NULL, NULL, "a unique identifier" },
	{ "DEFAULT", NULL, "mode", STRING, NULL, LATER, HEAD, NULL, NULL, NULL, "of older versions; not used" },
	{ "DEFAULT", NULL, "autostart_node", LIST, NULL, LATER, HEAD, NULL, NULL, NULL, "of older versions: see orchestrate and nodes" },
	{ "DEFAULT", NULL, "presnap_trigger", STRING, NULL, CMD | LATER, HEAD, NULL, NULL, NULL, "a command before a snapshot" },
	{ "DEFAULT", NULL, "postsnap_trigger", STRING, NULL, CMD | LATER, HEAD, NULL, NULL, NULL, "a command after a snapshot" },
	{ "DEFAULT", NULL, "container_data_dir", STRING, NULL, 0, HEAD, NULL, "docker_data_dir", NULL, "where container engines keep their data" },
	{ "DEFAULT", NULL, "status_schedule", STRING, "@10", LATER, HEAD, NULL, NULL, NULL, "when resources are looked at" },
	{ "DEFAULT", NULL, "monitor_schedule", STRING, "@1", LATER, HEAD, NULL, NULL, NULL, "when monitored resources are looked at" },
	{ "DEFAULT", NULL, "resinfo_schedule", STRING, "@60", LATER, HEAD, NULL, NULL, NULL, "when resource details are collected" },
	{ "DEFAULT", NULL, "sync_schedule", STRING, "~04:00-06:00", LATER, HEAD, NULL, NULL, NULL, "when syncs run that do not say" },
	{ "DEFAULT", NULL, "run_schedule", STRING, NULL, LATER, HEAD, NULL, NULL, NULL, "when tasks run that do not say" },
	{ "DEFAULT", NULL, "comp_schedule", STRING, "~00:00-06:00", LATER, HEAD, NULL, NULL, NULL, "when compliance is checked" },
	{ "DEFAULT", NULL, "push_schedule", STRING, NULL, LATER, HEAD, NULL, NULL, NULL, "when the file is pushed to a collector" },
	{ "DEFAULT", NULL, "disable", BOOL, "false", 0, HEAD, NULL, NULL, NULL, "refuse every action on the service" },
	{ "DEFAULT", NULL, "aws", STRING, NULL, LATER, HEAD, NULL, NULL, NULL, "the cloud's command line" },
	{ "DEFAULT", NULL, "aws_profile", STRING, NULL, LATER, HEAD, NULL, NULL, NULL, "the cloud's profile" },
	CGROUP("DEFAULT"),
	TRIGGERS("DEFAULT"),

	{ "subset", NULL, "parallel", BOOL, "false", LATER, LEAF, NULL, NULL, NULL, "start and stop its resources at once" },
	{ "subset", NULL, "comment", STRING, NULL, 0, LEAF, NULL, NULL, NULL, "a note for people" },
	CGROUP("subset"),

	{ "*", NULL, "type", STRING, NULL, 0, LEAF, NULL, NULL, NULL, "the driver" },
	{ "*", NULL, "tags", LIST, "", 0, LEAF, NULL, NULL, NULL, "words; encap, noaction and nostatus have an effect" },
	{ "*", NULL, "encap", BOOL, "false", 0, LEAF, NULL, NULL, NULL, "the resource is in the containers, not on the hypervisor" },
	{ "*", NULL, "subset", STRING, "", 0, LEAF, NULL, NULL, NULL, "the part of its group to which it belongs" },
	{ "*", NULL, "disable", BOOL, "false", 0, LEAF, NULL, NULL, NULL, "leave it out of every action; it shows n/a" },
	{ "*", NULL, "optional", TRI, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "its failure fails no action; not counted in avail" },
	{ "*", NULL, "monitor", BOOL, "false", 0, LEAF_HEAD, NULL, NULL, NULL, "act when it goes down and no restarts are left" },
	{ "*", NULL, "restart", INTEGER, "0", 0, LEAF_HEAD, NULL, NULL, NULL, "how often to start it again when it goes down" },
	{ "*", NULL, "restart_delay", TIME, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "the time between two restarts" },
	{ "*", NULL, "standby", BOOL, "false", 0, LEAF_HEAD, NULL, NULL, NULL, "up on every node, whether the instance is up or not" },
	{ "*", NULL, "always_on", LOWER, NULL, 0, LEAF, NULL, NULL, NULL, "of older versions: where standby is true" },
	{ "*", NULL, "optional_on", LOWER, NULL, 0, LEAF, NULL, NULL, NULL, "of older versions: where optional is true" },
	{ "*", NULL, "monitor_on", LOWER, NULL, 0, LEAF, NULL, NULL, NULL, "of older versions: where monitor is true" },
	{ "*", NULL, "disable_on", LOWER, NULL, 0, LEAF, NULL, NULL, NULL, "of older versions: where disable is true" },
	{ "*", NULL, "enable_on", LOWER, NULL, 0, LEAF, NULL, NULL, NULL, "of older versions: where disable is false" },
	{ "*", NULL, "shared", TRI, NULL, LATER, LEAF, NULL, NULL, NULL, "provisioned once, not on every node" },
	{ "*", NULL, "provision", BOOL, NULL, LATER, LEAF, NULL, NULL, NULL, "false: leave it out of provision" },
	{ "*", NULL, "unprovision", BOOL, NULL, LATER, LEAF, NULL, NULL, NULL, "false: leave it out of unprovision" },
	{ "*", NULL, "start_timeout", TIME, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "how long a start may take" },
	{ "*", NULL, "stop_timeout", TIME, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "how long a stop may take" },
	{ "*", NULL, "schedule", STRING, NULL, LATER, LEAF, NULL, NULL, NULL, "when it runs or is looked at" },
	{ "sync", NULL, "schedule", STRING, NULL, LATER, LEAF_HEAD, NULL, NULL, "sync_schedule", "when it runs" },
	{ "task", NULL, "schedule", STRING, NULL, LATER, LEAF_HEAD, NULL, NULL, "run_schedule", "when it runs" },
	{ "*", NULL, "comment", STRING, NULL, 0, LEAF, NULL, NULL, NULL, "a note for people" },
	{ "*", NULL, "scsireserv", BOOL, NULL, LATER, LEAF, NULL, NULL, NULL, "reserve its disks for the node that runs it" },
	{ "*", NULL, "prkey", STRING, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "the reservation's key" },
	{ "*", NULL, "promote_rw", BOOL, NULL, LATER, LEAF, NULL, NULL, NULL, "make its disks writable first" },
	{ "*", NULL, "no_preempt_abort", BOOL, NULL, LATER, LEAF, NULL, NULL, NULL, "take reservations with preempt, not preempt and abort" },
	REQUIRES("start"), REQUIRES("stop"), REQUIRES("provision"),
	REQUIRES("unprovision"), REQUIRES("run"), REQUIRES("sync"),
	TRIGGERS("*"),
	CGROUP("*"),

	{ "ip", "host", "ipname", STRING, NULL, MUST, LEAF_HEAD, NULL, NULL, NULL, "a host name or address, with /length if wanted" },
	{ "ip", "host", "ipdev", STRING, NULL, MUST, LEAF_HEAD, NULL, NULL, NULL, "the network interface" },
	{ "ip", "host", "netmask", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "as 255.255.255.0 or 24; that of the interface if not given" },
	{ "ip", "host", "gateway", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "the default route to set" },
	{ "ip", "host", "alias", BOOL, "true", LATER, LEAF_HEAD, NULL, NULL, NULL, "false: the interface's only address" },
	{ "ip", "host", "check_carrier", BOOL, "true", 0, LEAF_HEAD, NULL, NULL, NULL, "refuse to start on an interface without a link" },
	{ "ip", "host", "wait_dns", TIME, "0", 0, LEAF_HEAD, NULL, NULL, NULL, "how long to wait for the name to resolve" },
	{ "ip", "host", "dns_name_suffix", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "appended to the name in the DNS" },
	{ "ip", "host", "expose", LIST, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "ports, as 443/tcp, for the DNS" },
	{ "ip", "host", "provisioner", STRING, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "who allocates the address" },

	{ "disk", "loop", "file", STRING, NULL, MUST, LEAF_HEAD, NULL, NULL, NULL, "the file behind the loop device" },
	{ "disk", "loop", "size", SIZE, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "of the file, when it is made" },

	{ "fs", FS_DEVICE, "dev", STRING, NULL, MUST, LEAF_HEAD, NULL, NULL, NULL, "the device; for bind the directory" },
	{ "fs", "tmpfs", "dev", STRING, "tmpfs", 0, LEAF_HEAD, NULL, NULL, NULL, "a name for the mount" },
	{ "fs", FS_MOUNTED, "mnt", STRING, NULL, MUST, LEAF_HEAD, NULL, NULL, NULL, "the mount point" },
	{ "fs", FS_MOUNTED, "mnt_opt", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "mount options, comma-separated" },
	{ "fs", FS_MOUNTED, "stat_timeout", TIME, "5s", 0, LEAF_HEAD, NULL, NULL, NULL, "a file system that does not answer for so long is not responding" },
	{ "fs", FS_MOUNTED, "check_read", BOOL, "false", 0, LEAF_HEAD, NULL, NULL, NULL, "read from it at every look" },
	{ "fs", FS_MOUNTED, "zone", STRING, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "the zone that it is mounted in" },
	{ "fs", FS_MOUNTED, "snap_size", SIZE, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "of its snapshots" },
	{ "fs", "tmpfs", "size", SIZE, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "what it may hold at most" },
	{ "fs", FS_MADE, "size", SIZE, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "when it is made" },
	{ "fs", FS_MADE, "vg", STRING, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "the volume group in which its volume is made" },
	{ "fs", FS_MADE, "mkfs_opt", SHLEX, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "options of mkfs" },
	{ "fs", FS_MOUNTED, "user", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "the owner of the mount point" },
	{ "fs", FS_MOUNTED, "group", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "the group of the mount point" },
	{ "fs", FS_MOUNTED, "perm", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "the mode of the mount point, in octal" },
	{ "fs", "directory", "path", STRING, NULL, MUST, LEAF_HEAD, NULL, NULL, NULL, "the directory" },
	{ "fs", "directory", "user", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "its owner" },
	{ "fs", "directory", "group", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "its group" },
	{ "fs", "directory", "perm", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "its mode, in octal" },
	{ "fs", "directory", "zone", STRING, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "the zone that it is in" },

	{ "container", "lxc sim", "name", STRING, "{svcname}", 0, LEAF_HEAD, NULL, NULL, NULL, "what the container is called where it runs" },
	{ "container", "lxc sim", "hostname", STRING, "{{rid}.name}", 0, LEAF_HEAD, NULL, NULL, NULL, "its host name, the one in encapnodes" },
	{ "container", "lxc", "guestos", STRING, "unix", LATER, LEAF_HEAD, "unix windows", NULL, NULL, "what runs in it" },
	{ "container", "lxc", "osvc_root_path", STRING, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "where the agent is installed in it" },
	{ "container", "lxc", "rcmd", SHLEX, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "the command that runs another one in it" },
	{ "container", "lxc", "cf", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "its configuration file; none: made from the keywords below" },
	{ "container", "lxc", "data_dir", STRING, NULL, 0, LEAF_HEAD, NULL, "container_data_dir", NULL, "the directory of containers" },
	{ "container", "lxc", "rootfs", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "its root directory" },
	{ "container", "lxc", "template", STRING, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "what its root directory is made from" },
	{ "container", "lxc", "template_options", SHLEX, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "options of the template" },
	{ "container", "lxc", "network", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "the bridge that its interface is attached to" },
	{ "container", "lxc", "address", LIST, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "the addresses of that interface, as ADDRESS/LENGTH" },
	{ "container", "lxc", "gateway", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "its default route" },
	{ "container", "lxc", "init", SHLEX, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "the command that is its first process" },
	{ "container", "lxc", "mount", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "mount entries of the container, one a line" },
	{ "container", "lxc", "halt_signal", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "the signal that makes its first process halt; found out by default" },
	{ "container", "sim", "start_delay", TIME, "0", 0, LEAF_HEAD, NULL, NULL, NULL, "how long its start takes" },
	{ "container", "sim", "stop_delay", TIME, "0", 0, LEAF_HEAD, NULL, NULL, NULL, "how long its stop takes" },
	{ "container", "sim", "fail", LIST, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "the operations that fail: start, stop, probe" },

	{ "app", "simple forking", "script", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "called with the word start, stop, check or info" },
	{ "app", "simple", "start", STRING, NULL, MUST | CMD, LEAF_HEAD, NULL, NULL, NULL, "the command that stays" },
	{ "app", "forking", "start", STRING, NULL, CMD, LEAF_HEAD, NULL, NULL, NULL, "a command; true: the script; a number: the script, in that order" },
	{ "app", "simple forking", "stop", STRING, NULL, CMD, LEAF_HEAD, NULL, NULL, NULL, "likewise" },
	{ "app", "simple forking", "check", STRING, NULL, CMD, LEAF_HEAD, NULL, NULL, NULL, "likewise; its exit code is looked up in retcodes" },
	{ "app", "simple forking", "info", STRING, NULL, CMD | LATER, LEAF_HEAD, NULL, NULL, NULL, "likewise; prints key: value lines" },
	{ "app", "simple forking", "status_log", BOOL, "false", 0, LEAF_HEAD, NULL, NULL, NULL, "show what check prints" },
	{ "app", "simple forking", "retcodes", LIST, "0:up 1:down", 0, LEAF_HEAD, NULL, NULL, NULL, "what the exit codes of check mean" },
	{ "app", "simple forking", "timeout", TIME, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "of each command that has no timeout of its own" },
	{ "app", "simple forking", "check_timeout", TIME, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "of the command check" },
	{ "app", "simple forking", "info_timeout", TIME, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "of the command info" },
	{ "app", "simple forking", "user", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "who runs the commands" },
	{ "app", "simple forking", "group", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "the group that runs them" },
	{ "app", "simple forking", "cwd", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "where they run" },
	{ "app", "simple forking", "umask", STRING, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "their umask, in octal" },
	{ "app", "simple forking", "environment", SHLEX, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "VARIABLE=value words for them" },
	{ "app", "simple forking", "secrets_environment", SHLEX, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "VARIABLE=KEY words: variables from the service's secrets" },
	{ "app", "simple forking", "configs_environment", SHLEX, NULL, LATER, LEAF_HEAD, NULL, NULL, NULL, "variables from configurations" },
	{ "app", "simple forking", "limit_as", SIZE, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "their address space at most" },
	{ "app", "simple forking", "limit_core", SIZE, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "their core dumps at most" },
	{ "app", "simple forking", "limit_cpu", TIME, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "their CPU time at most" },
	{ "app", "simple forking", "limit_data", SIZE, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "their data segment at most" },
	{ "app", "simple forking", "limit_fsize", SIZE, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "the files that they write at most" },
	{ "app", "simple forking", "limit_memlock", SIZE, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "the memory that they lock at most" },
	{ "app", "simple forking", "limit_nofile", INTEGER, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "their open files at most" },
	{ "app", "simple forking", "limit_nproc", INTEGER, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "the processes of their user at most" },
	{ "app", "simple forking", "limit_rss", SIZE, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "their resident memory at most" },
	{ "app", "simple forking", "limit_stack", SIZE, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "their stack at most" },
	{ "app", "simple forking", "limit_vmem", SIZE, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "the same as limit_as" },
	{ "app", "simple", "kill", STRING, "parent", 0, LEAF_HEAD, "parent tree", NULL, NULL, "which processes a stop ends" },
	{ "app", "forking", "kill", STRING, NULL, 0, LEAF_HEAD, "parent tree", NULL, NULL, "which processes a stop ends" },
	{ "app", "sim", "name", STRING, "app", 0, LEAF, NULL, NULL, NULL, "what the status shows for it" },
	{ "app", "sim", "start_delay", TIME, "0", 0, LEAF_HEAD, NULL, NULL, NULL, "how long its start takes" },
	{ "app", "sim", "stop_delay", TIME, "0", 0, LEAF_HEAD, NULL, NULL, NULL, "how long its stop takes" },
	{ "app", "sim", "fail", LIST, NULL, 0, LEAF_HEAD, NULL, NULL, NULL, "the operations that fail: start, stop, probe" },
};
const size_t keyword_count = sizeof(keyword_table) / sizeof(keyword_table[0]);

const struct group group_table[] = {
	/* name, rank, default type, drivers, old types, bare, optional */
	{ "ip", 0, "host", "host", "docker=netns", false, false },
	{ "volume", 1, "shm", "", NULL, false, false },
	{ "disk", 2, "vg", "loop", "lvm=vg veritas=vxdg", false, false },
	{ "fs", 3, NULL, "ext2 ext3 ext4 xfs btrfs bind tmpfs directory flag", "none=bind", false, false },
	{ "share", 4, NULL, "", NULL, false, false },
	{ "container", 5, NULL, "lxc sim", NULL, false, false },
	{ "app", 6, "forking", "simple forking sim", NULL, true, false },
	{ "sync", 7, "rsync", "", NULL, false, true },
	{ "task", 8, "host", "", NULL, false, true },
	{ "hb", 9, NULL, "", NULL, false, false },
	{ "expose", -1, NULL, NULL, NULL, false, false },
	{ "vhost", -1, NULL, NULL, NULL, false, false },
	{ "route", -1, NULL, NULL, NULL, false, false },
	{ "hashpolicy", -1, NULL, NULL, NULL, false, false },
	{ "certificate", -1, NULL, NULL, NULL, false, false },
};
const size_t group_count = sizeof(group_table) / sizeof(group_table[0]);
// clang-format on

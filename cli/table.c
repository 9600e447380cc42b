#include "cli/command.h"

// clang-format off
const struct option_row option_table[OPT_N] = {
	[OPT_ADDRESS] = { "address", 0,   "ADDRESS,...", "under which the others reach this machine" },
	[OPT_AS]      = { "as",      0,   "NODE",     "evaluate for this node (implies --eval)" },
	[OPT_CANCEL]  = { "cancel",  0,   NULL,       "have it stay after all" },
	[OPT_CLUSTER] = { "cluster", 0,   "FILE",     "the cluster: its nodes, and the env files of its services" },
	[OPT_COMMENT] = { "comment", 0,   "TEXT",     "why, for the history" },
	[OPT_CONFIG]  = { "config",  0,   "FILE",     "the env file; - is standard input" },
	[OPT_CREATE]  = { "create",  0,   NULL,       "make a service of each file that has no error" },
	[OPT_DEADLINE] = { "deadline", 0, "TIME",     "after so long what cannot be moved is stopped: 10m, 1h" },
	[OPT_DOWNTO]  = { "downto",  0,   "RID",      "in the order of a stop, down to this resource, group or subset" },
	[OPT_DRAFT]   = { "draft",   0,   NULL,       "from the file that offers it (encap drafts)" },
	[OPT_DROP]    = { "drop",    0,   "DRAFT",    "forget this draft" },
	[OPT_DRY_RUN] = { "dry-run", 0,   NULL,       "only say what would be done, as encap plan does" },
	[OPT_EDIT]    = { "edit",    0,   NULL,       "merge them in an editor" },
	[OPT_EMERGENCY] = { "emergency", 0, NULL,     "on this node, which has no majority" },
	[OPT_EVAL]    = { "eval",    0,   NULL,       "scopes and references resolved" },
	[OPT_FILE]    = { "file",    'f', "FILE",     "an env file NAME.conf, or a folder of them" },
	[OPT_FLAGS]   = { "flags",   0,   "short|wide", "which flags are shown: four of them (default), or all" },
	[OPT_FOLLOW]  = { "follow",  'f', NULL,       "go on with what happens from now on" },
	[OPT_FOR]     = { "for",     0,   "TIME",     "for so long: 90s, 30m (default), at most 4h" },
	[OPT_FROM]    = { "from",    0,   "FILE",     "read it from this file; - is standard input" },
	[OPT_IF_REV]  = { "if-rev",  0,   "REV",      "only if this revision is the head" },
	[OPT_KW]      = { "kw",      0,   "KEY=VALUE", "a key and its value; may be repeated (svcmgr)" },
	[OPT_LEASE]   = { "lease",   0,   "TIME",     "how long a node may go on without the others: 3s, 1m" },
	[OPT_LIMIT]   = { "limit",   'n', "N",        "at most so many of the last ones" },
	[OPT_LIVE]    = { "live",    0,   NULL,       "without an interruption, or not at all" },
	[OPT_LOCAL]   = { "local",   0,   NULL,       "of some resources: on this node, as always (svcmgr)" },
	[OPT_MASTER]  = { "master",  0,   NULL,       "only what runs on the hypervisor" },
	[OPT_NODE]    = { "node",    0,   "NODE",     "this node, not the one that is asked" },
	[OPT_NO_WAIT] = { "no-wait", 0,   NULL,       "return as soon as it is agreed" },
	[OPT_OFF]     = { "off",     0,   NULL,       "switch it off, and leave it off" },
	[OPT_ON]      = { "on",      0,   NULL,       "switch it on again" },
	[OPT_OURS]    = { "ours",    0,   NULL,       "where both changed a key the head counts" },
	[OPT_OUTPUT]  = { "output",  'o', "FORMAT",   "text, json, yaml, flat, or tab=COLUMN:.path,..." },
	[OPT_PARAM]   = { "param",   0,   "KEY",      "a key (svcmgr)" },
	[OPT_PATCH]   = { "patch",   'p', NULL,       "with what each of them changed" },
	[OPT_PROVISION] = { "provision", 0, NULL,     "make what it needs, and start it" },
	[OPT_PRUNE]   = { "prune",   0,   NULL,       "services that no file names are to go" },
	[OPT_REPLACE] = { "replace", 0,   "NODE",     "in the place of this one, which is lost or has left" },
	[OPT_REBOOT]  = { "reboot",  0,   NULL,       "switch it off and on" },
	[OPT_REV]     = { "rev",     0,   "REV",      "this revision, not the head" },
	[OPT_RID]     = { "rid",     0,   "RID,...",  "only these resources, groups or GROUP:SUBSETs" },
	[OPT_SCENARIO] = { "scenario", 0, "FILE",     "what happens to it, and when" },
	[OPT_SERVICE] = { "service", 's', "NAME",     "the service (svcmgr)" },
	[OPT_SLAVE]   = { "slave",   0,   "NAME,...", "only what runs in these containers" },
	[OPT_SLAVES]  = { "slaves",  0,   NULL,       "only what runs in containers" },
	[OPT_STALE]   = { "stale",   0,   NULL,       "what this member has, though nobody can say that it is all" },
	[OPT_STANDBY] = { "standby", 0,   NULL,       "only the standby resources, which a stop leaves up" },
	[OPT_STOP]    = { "stop",    0,   NULL,       "if it is up, stop it first" },
	[OPT_SUBSETS] = { "subsets", 0,   "SUBSET,...", "only the resources of these subsets" },
	[OPT_TAGS]    = { "tags",    0,   "TAG,...",  "only the resources with one of these tags; a+b: with both" },
	[OPT_THEIRS]  = { "theirs",  0,   NULL,       "where both changed a key the draft counts" },
	[OPT_TIMEOUT] = { "timeout", 0,   "TIME",     "wait at most so long: 90s, 5m (default), 1h" },
	[OPT_TO]      = { "to",      0,   "NODE",     "the node to go to (svcmgr)" },
	[OPT_UNPROVISION] = { "unprovision", 0, NULL, "first take away what provisions have made" },
	[OPT_UPTO]    = { "upto",    0,   "RID",      "in the order of a start, up to this resource, group or subset" },
	[OPT_VALUE]   = { "value",   0,   "VALUE",    "the value of --param (svcmgr)" },
	[OPT_VERIFY]  = { "verify",  0,   NULL,       "check that no record was changed or removed" },
	[OPT_WAIT]    = { "wait",    0,   NULL,       "wait until it is done (default)" },
	[OPT_WATCH]   = { "watch",   'w', NULL,       "go on, and show each change" },
	[OPT_WHY]     = { "why",     0,   NULL,       "which line gave each value, and which it beat (implies --eval)" },
	[OPT_WITNESS] = { "witness", 0,   NULL,       "it only votes, and runs nothing" },
	[OPT_YES]     = { "yes",     'y', NULL,       "ask nothing" },
	[OPT_HELP]    = { "help",    'h', NULL,       "this text" },
};

const struct exit_row exit_table[] = {
	{ CLI_DONE,      "done",      "done" },
	{ CLI_FAILED,    "failed",    "failed; the message says what, why, and what to do" },
	{ CLI_USAGE,     "usage",     "the line was not understood" },
	{ CLI_NOT_FOUND, "not found", "there is no such service, node or key" },
	{ CLI_CONFLICT,  "conflict",  "conflict: somebody else's change came first, or the state does not allow it" },
	{ CLI_NO_QUORUM, "no quorum", "no quorum: no leader can be reached from here, nothing was changed" },
	{ CLI_TIMEOUT,   "timeout",   "timeout: whether it was done is not known" },
	{ 0 },
};

const char *const topic_table[TOPIC_N] = {
	[TOPIC_SEE]	= "what there is",
	[TOPIC_RUN]	= "have services run",
	[TOPIC_CONFIG]	= "env files",
	[TOPIC_REV]	= "their revisions and drafts",
	[TOPIC_NODE]	= "machines",
	[TOPIC_CLUSTER] = "the cluster",
	[TOPIC_HELP]	= "help",
};

#define O(name) OPT_BIT(OPT_##name)
#define WAITS	(O(WAIT) | O(NO_WAIT) | O(TIMEOUT))
#define LEVELS	(O(MASTER) | O(SLAVE) | O(SLAVES))
#define SOME                                                                   \
	(O(RID) | O(TAGS) | O(SUBSETS) | O(STANDBY) | O(UPTO) | O(DOWNTO) |    \
	 O(NODE))

const struct command command_table[] = {
	{ "create", "NAME", O(COMMENT) | O(CONFIG) | O(DRAFT) | O(PROVISION) | WAITS, 0,
	  "a new service from an env file",
	  { "encap create web --config web.conf", "encap create web --draft" },
	  1, 1, cmd_create, TOPIC_CONFIG,
	  "The file is checked whole before it travels: every problem is shown, with "
	  "its line, and nothing is created if one of them is an error. The service "
	  "is not started, unless --provision makes what it needs and has it up (encap "
	  "provision); --wait and its like are about that. --draft takes the file NAME.conf that somebody has put "
	  "among the env files of a hypervisor. Prints the id of its first revision." },
	{ "edit", "NAME", O(COMMENT) | O(IF_REV) | O(YES), 0,
	  "change the env file in an editor",
	  { "encap edit web", "EDITOR=nano encap edit web --comment 'bigger cache'" },
	  1, 1, cmd_edit, TOPIC_CONFIG,
	  "Opens the head in $VISUAL, $EDITOR or vi. What is not valid is shown, and "
	  "the editor can be opened again on the same text. What was changed is shown, "
	  "and sent, when you agree, as one revision based on the head that was opened. "
	  "If another edit came first both are merged; if both changed the same keys "
	  "the answer is 4, and your text is a draft." },
	{ "set", "NAME KEY=VALUE...", O(COMMENT) | O(DRY_RUN) | O(IF_REV), 0,
	  "set keys: section.key[@scope]=value, +=, -=, |=, ^=",
	  { "encap set web app#1.comment=hello", "encap set web DEFAULT.nodes+=hv4 app#1.start@vm1=/etc/start" },
	  2, CLI_ANY, cmd_set, TOPIC_CONFIG,
	  "All assignments of a line are one revision: all of them or none. A key is "
	  "section.keyword, or section.keyword@scope for one scope of it; GROUP.keyword "
	  "is each section of a group, as in fs.mnt_opt=noatime. += appends words, |= "
	  "those that are missing, -= removes words, ^= removes or appends, and "
	  "key[N]=word inserts before the N-th word, from 0. An edit of other keys that "
	  "comes in between is merged; one of the same keys makes this one a draft, with "
	  "4. With --if-rev it is refused, also with 4, if another revision is the head." },
	{ "unset", "NAME KEY...", O(COMMENT) | O(DRY_RUN) | O(IF_REV), 0,
	  "remove keys",
	  { "encap unset web app#1.comment", "encap unset web ip#1.ipname@hv2 ip#1.netmask" },
	  2, CLI_ANY, cmd_unset, TOPIC_CONFIG,
	  "All keys of a line are one revision: all of them or none. GROUP.keyword is "
	  "each section of a group; fs#1, or [env], is a section as a whole. A key "
	  "that is not set is answered with 3, and nothing is changed." },
	{ "get", "NAME KEY...", O(AS) | O(EVAL) | O(OUTPUT) | O(WHY), 0,
	  "print the values of keys",
	  { "encap get web app#1.comment", "encap get web fs#1.mnt --eval --as vm1" },
	  2, CLI_ANY, cmd_get, TOPIC_CONFIG,
	  "As they stand in the file; with --eval as this node sees them, scopes and "
	  "references resolved; with --as NODE as that node does. Of several keys "
	  "each is printed as KEY=VALUE. A key that is not set is answered with 3." },
	{ "config", "NAME", O(AS) | O(EVAL) | O(OUTPUT) | O(REV) | O(WHY), 0,
	  "print the env file",
	  { "encap config web", "encap config web --eval --as vm1 --why" },
	  1, 1, cmd_config, TOPIC_CONFIG,
	  "The head to the byte, or with --rev an older revision. With --eval the "
	  "values as this node sees them, with --as NODE as that node does; --why adds "
	  "to each value the line that gave it, the lines that it beat and why, and "
	  "what OpenSVC made of it where that is something else." },
	{ "validate", "[NAME]", O(CONFIG), 0,
	  "every problem of an env file at once",
	  { "encap validate web", "encap validate --config web.conf" },
	  0, 1, cmd_validate, TOPIC_CONFIG,
	  "Of the head of NAME, or of a file before it becomes one: errors, which would "
	  "refuse the edit, and warnings, each with its line. The exit code is 1 if one "
	  "is an error. Nothing is changed." },
	{ "explain", "[WHAT]", O(OUTPUT), 0,
	  "keywords, types and sections of env files",
	  { "encap explain fs.mnt_opt", "encap explain container.lxc" },
	  0, 1, cmd_explain, TOPIC_CONFIG,
	  "WHAT is a keyword (mnt_opt), one of a section or type (fs#1.mnt_opt, "
	  "container.lxc.rootfs, DEFAULT.nodes), a type (container.lxc), or a group "
	  "(container); without it the list of all. Says what a keyword does, how its "
	  "value is written, its default, and which agents know it. Needs no agent." },
	{ "import", "FILE...", O(CREATE) | O(OUTPUT), 0,
	  "env files of OpenSVC: what each line means here",
	  { "encap import /etc/opensvc", "encap import web.env db.conf --create" },
	  1, CLI_ANY, cmd_import, TOPIC_CONFIG,
	  "A FILE is NAME.env (OpenSVC 1) or NAME.conf (2 and 3), or a directory in which "
	  "they lie, such as an agent's configuration directory with its namespaces. They "
	  "are read as they are; a report says of each line whether it is taken, "
	  "translated (read under another spelling, or said in another way here), or not "
	  "understood (kept, and without effect). Nothing is changed unless --create is "
	  "given: then each file without an error becomes a service. The exit code is 1 "
	  "if a file has errors, 3 if there is none." },
	{ "secret set", "NAME SECRET", O(FROM), 0,
	  "keep a password or key for the processes of a service",
	  { "encap secret set web db_password < password.txt", "encap secret set web tls_key --from key.pem" },
	  2, 2, cmd_secret_set, TOPIC_CONFIG,
	  "The value comes from standard input or a file, never from the command line, "
	  "which others can see; on a terminal it is not shown. A line end at the end of "
	  "standard input is not part of it; a file is taken as it is. It is encrypted before "
	  "it leaves the agent, and only the service's own hypervisors and containers "
	  "can read it. An app gets it by secrets_environment = VARIABLE=KEY in its "
	  "section, at its next start. No command shows a value." },
	{ "secret unset", "NAME SECRET", 0, 0,
	  "remove a secret",
	  { "encap secret unset web db_password", "encap secret unset web tls_key" },
	  2, 2, cmd_secret_unset, TOPIC_CONFIG,
	  "What runs keeps what it was given; the next start of an app that names it "
	  "fails." },
	{ "secret ls", "NAME", O(OUTPUT), 0,
	  "the names of a service's secrets",
	  { "encap secret ls web", "encap secret ls web -o json" },
	  1, 1, cmd_secret_ls, TOPIC_CONFIG,
	  "Their names, and who set them when. Their values are not shown." },
	{ "delete", "NAME", O(DRY_RUN) | O(STOP) | O(UNPROVISION) | WAITS | O(YES), 0,
	  "remove a service that is stopped",
	  { "encap delete web", "encap stop web && encap delete web" },
	  1, 1, cmd_delete, TOPIC_CONFIG,
	  "Refused with 4 while an instance of it is up anywhere, or cannot be seen. "
	  "What its resources hold on disks is not touched, unless --unprovision is given: "
	  "then it is unprovisioned first (encap unprovision), which asks." },
	{ "history", "NAME", O(LIMIT) | O(OUTPUT) | O(PATCH), 0,
	  "the revisions of an env file, the newest first",
	  { "encap history web", "encap history web -p -n 3" },
	  1, 1, cmd_history, TOPIC_REV,
	  "Who changed it where, when, with what and why, and which revisions are merges "
	  "of two. With -p what each of them changed in the one before it." },
	{ "show", "NAME [REV]", O(OUTPUT), 0,
	  "one revision or draft, and what it changed",
	  { "encap show web HEAD~1", "encap show web draft-3" },
	  1, 2, cmd_show, TOPIC_REV,
	  "A revision is named by the first digits of its id, HEAD, HEAD~N (so many "
	  "before it) or #N (the N-th); a draft by its id. The whole text of a revision "
	  "is printed by config --rev." },
	{ "diff", "[NAME [REV [REV]]]", O(FILE) | O(OUTPUT) | O(PRUNE), 0,
	  "what differs between revisions, or from files",
	  { "encap diff web HEAD~3", "encap diff -f services/" },
	  0, CLI_ANY, cmd_diff, TOPIC_REV,
	  "By meaning: values that were added (+), removed (-) or changed (~), and apart "
	  "from that order and comments. Of NAME the last change; from REV to the head; "
	  "from one REV to the other. With -f the services against the files NAME.conf: "
	  "0 if all are the same, 1 if one differs or is missing, or, with --prune, if "
	  "there is a service of which there is no file." },
	{ "blame", "NAME", O(OUTPUT) | O(REV), 0,
	  "who wrote each line of an env file",
	  { "encap blame web", "encap blame web --rev HEAD~5" },
	  1, 1, cmd_blame, TOPIC_REV,
	  "Each line with the revision that brought it, its author, node, level and "
	  "time. In a merge a line stays with the side that brought it." },
	{ "revert", "NAME REV", O(COMMENT) | O(IF_REV), 0,
	  "have the env file as it was in a revision",
	  { "encap revert web HEAD~1", "encap revert web 5d2f --comment 'too early'" },
	  2, 2, cmd_revert, TOPIC_REV,
	  "A new revision with the text of the old one; the history stays as it is. What "
	  "it changes is shown." },
	{ "drafts", "[NAME]", O(DROP) | O(OUTPUT), 0,
	  "edits that were refused, and files that offer a service",
	  { "encap drafts", "encap drafts web --drop draft-3" },
	  0, 1, cmd_drafts, TOPIC_REV,
	  "Of all nodes and containers: where each was made, by whom, and why it was not "
	  "taken. KIND is conflict, invalid, offer (a new file), file (kept on its node "
	  "alone) or pending (not agreed yet). 'encap show NAME ID' shows one." },
	{ "resolve", "NAME DRAFT", O(COMMENT) | O(EDIT) | O(IF_REV) | O(OURS) | O(THEIRS) | O(YES), 0,
	  "end a conflict: take a draft, or parts of it",
	  { "encap resolve web draft-3 --theirs", "encap resolve web draft-3 --edit" },
	  2, 2, cmd_resolve, TOPIC_REV,
	  "The draft's changes are made to the head. Where both changed a key, --ours "
	  "keeps the head's value, --theirs takes the draft's; --edit opens the result "
	  "of --theirs in an editor. The draft is gone then." },
	{ "apply", "[FILE...]", O(COMMENT) | O(FILE) | O(PRUNE) | O(YES), O(FILE),
	  "make services equal to files",
	  { "encap apply -f services/", "encap apply -f web.conf db.conf --yes" },
	  0, CLI_ANY, cmd_apply, TOPIC_REV,
	  "Services that are missing are created, others edited; with --prune those "
	  "without a file are deleted. All files are checked first; what will change is "
	  "shown and, at a terminal, asked. 0 also if there was nothing to do. It can be "
	  "run again at any time; a service that somebody else changed in between is "
	  "left alone, with 4." },
	{ "start", "NAME", LEVELS | SOME | WAITS | O(DRY_RUN) | O(EMERGENCY) | O(YES), 0,
	  "have a service up",
	  { "encap start web", "encap start web --slaves --timeout 2m" },
	  1, 1, cmd_start, TOPIC_RUN,
	  "The cluster places it and starts the hypervisor's resources in their order, "
	  "the containers, and what runs in them. Waits until it is up, unless "
	  "--no-wait is given; ending the command does not end what was asked for. "
	  "--master, --slave and --slaves restrict it to a level. --rid and its like "
	  "restrict it to some resources of one node, this one or that of --node. "
	  "They are started only where the service "
	  "is, or is nowhere. --emergency starts it on this node, which has no majority, "
	  "once you have made sure that no other runs it: it is told what is at risk and "
	  "asked (--yes: not); when there is a majority again the cluster takes it as it "
	  "is, and the audit log has it." },
	{ "stop", "NAME", LEVELS | SOME | WAITS | O(DRY_RUN), 0,
	  "have a service down",
	  { "encap stop web", "encap stop web --rid fs --master" },
	  1, 1, cmd_stop, TOPIC_RUN,
	  "Stops what runs in the containers, then the containers and the rest, in the "
	  "reverse order of a start. The service stays stopped until it is started. "
	  "A container whose agent cannot be reached does not block it. On a node without "
	  "a majority it is stopped there, and the cluster is told later. What is stopped "
	  "by --rid and its like stays down until the next start or stop of the whole." },
	{ "restart", "NAME", LEVELS | SOME | WAITS | O(DRY_RUN), 0,
	  "stop a service, then start it",
	  { "encap restart web", "encap restart web --slaves" },
	  1, 1, cmd_restart, TOPIC_RUN,
	  "Stops all that it is about, then starts it again. Waits until it is up "
	  "again, unless --no-wait is given." },
	{ "provision", "NAME", LEVELS | SOME | WAITS | O(DRY_RUN), 0,
	  "make what a service needs, and have it up",
	  { "encap provision web", "encap provision web --node hv2 --rid disk#1 --master" },
	  1, 1, cmd_provision, TOPIC_RUN,
	  "In the order of a start each resource is made, then started: files, file "
	  "systems, containers, and what is in these. On the node where it is up, else on "
	  "this one, or that of --node; what has shared = false also on the others, where "
	  "it is not started. What is there is kept as it is, and nothing that holds data "
	  "is formatted. What fails is stopped again; what was made stays, and the next "
	  "provision goes on from there." },
	{ "unprovision", "NAME", LEVELS | SOME | O(STOP) | WAITS | O(DRY_RUN) | O(YES), 0,
	  "destroy what provisions of a service have made",
	  { "encap unprovision web", "encap unprovision web --stop --yes" },
	  1, 1, cmd_unprovision, TOPIC_RUN,
	  "In the order of a stop: containers, file systems, files, with all that is in "
	  "them. Only what a provision has made: it is marked; the rest is left and said "
	  "to be. Refused with 4 while the service is up, unless --stop is given. Asks "
	  "for a yes; --yes is one. The service stays, stopped." },
	{ "run", "NAME", LEVELS | WAITS | O(RID) | O(NODE) | O(YES), O(RID),
	  "run a task of a service now",
	  { "encap run web --rid task#1", "encap run web --rid task#2 --slave vm1" },
	  1, 1, cmd_run, TOPIC_RUN,
	  "Where the service is up; by its schedule it is run there, too. Waits until it "
	  "has ended, unless --no-wait is given; 1 if it failed. A stop of the service "
	  "ends a task that runs. One with confirmation = true asks first, but for --yes." },
	{ "sync", "NAME [nodes|drp|all]", LEVELS | WAITS | O(RID) | O(NODE), 0,
	  "copy the data of a service to its other nodes now",
	  { "encap sync web", "encap sync web drp --rid sync#2" },
	  1, 2, cmd_sync, TOPIC_RUN,
	  "From where the service is up: what its sync sections name, to the other nodes "
	  "of nodes, to drpnodes, or to all (default); by its schedule it is done, too. "
	  "Waits until it has ended, unless --no-wait is given; 1 if it failed." },
	{ "move", "NAME NODE", WAITS | O(DRY_RUN) | O(LIVE), 0,
	  "have a service up on another node",
	  { "encap move web hv2", "encap move web hv2 --timeout 10m" },
	  2, 2, cmd_move, TOPIC_RUN,
	  "Stops it where it is and starts it on NODE; a service that is stopped is "
	  "started there. Waits until it is up there, unless --no-wait is given. --live is "
	  "refused with 1 in this version: no driver can move what runs." },
	{ "clear", "NAME", O(DRY_RUN), 0,
	  "try again what has failed",
	  { "encap clear web", "encap clear web --dry-run" },
	  1, 1, cmd_clear, TOPIC_RUN,
	  "A node on which the start of a service failed is not asked again, and where "
	  "it failed on each of them nothing more is tried: that is over with this "
	  "command, once you have mended the cause. A start or stop that is in the state "
	  "start failed or stop failed is tried again at once, frozen or not; what runs "
	  "elsewhere by now is not touched." },
	{ "maintenance", "on|off [SERVICE|NODE]", O(NODE), 0,
	  "have Encap look, but not touch",
	  { "encap maintenance on web", "encap maintenance off hv2" },
	  1, 2, cmd_maintenance, TOPIC_RUN,
	  "Of a service; of a node (--node NODE where a service has the same name): of "
	  "all that it has; of neither: of the whole cluster. Status goes on to be true. Nothing is started, stopped, restarted, "
	  "moved or taken over, no task is run, and start, stop and move are refused. A "
	  "freeze leaves these to people; here your hands are on the resources "
	  "themselves. One thing is done all the same: a node that is cut off and loses "
	  "its lease stops what it runs (encap cluster disarm is for work on the "
	  "network). At its end what is there is compared with what is asked for, and "
	  "started or stopped to match." },
	{ "freeze", "NAME", O(DRY_RUN), 0,
	  "leave a service as it is, whatever happens",
	  { "encap freeze web", "encap freeze web && encap status web" },
	  1, 1, cmd_freeze, TOPIC_RUN,
	  "Nothing is started, stopped or moved by itself until it is thawed. What runs "
	  "goes on." },
	{ "thaw", "NAME", O(DRY_RUN), 0,
	  "orchestrate a frozen service again",
	  { "encap thaw web", "encap thaw web && encap start web" },
	  1, 1, cmd_thaw, TOPIC_RUN,
	  "The opposite of freeze: the cluster has the service again as it was asked "
	  "for." },
	{ "plan", "start|stop|restart|move|freeze|thaw|provision|unprovision|delete|edit NAME...", LEVELS | O(CONFIG) | O(NODE) | O(OUTPUT) | O(STOP), 0,
	  "what an action would do, in order, without doing it",
	  { "encap plan stop web", "encap plan edit web --config new.conf" },
	  2, CLI_ANY, cmd_plan, TOPIC_SEE,
	  "What follows plan is the command itself: plan move NAME NODE, plan start "
	  "NAME... Prints each decision and action, on which node, inside which "
	  "container, and why, in the order in which they would come if every one of "
	  "them goes well; which services would be interrupted; and what would not be "
	  "done, and why. It is made by the functions that do it, from a copy of the "
	  "state. Machines that are at work at the same time are listed one behind the "
	  "other. What the action itself would refuse is refused with the same words "
	  "and exit code. --dry-run with an action is the same." },
	{ "simulate", "", O(CLUSTER) | O(SCENARIO) | O(OUTPUT), O(SCENARIO),
	  "what would come of a failure, played on a simulated cluster",
	  { "encap simulate --cluster lab.cluster --scenario power.scenario", "encap simulate --scenario power.scenario -o json" },
	  0, 0, cmd_simulate, TOPIC_SEE,
	  "Machines die, networks are cut, people move and edit services, as the "
	  "scenario has it; the agents are the real ones, everything around them is "
	  "pretended, and nothing real is touched. Prints what would happen, with times: "
	  "who is declared lost, what is decided and why, what starts where, for how long "
	  "each service would be down, and whether what the scenario expects came to be. "
	  "Without --cluster it plays on the file that the scenario names, else on a copy "
	  "of the cluster that runs here. Exits with 1 where an expectation is not met. "
	  "See encap-simulate(7)." },
	{ "schedule", "NAME", O(NODE) | O(OUTPUT), 0,
	  "what of a service runs by itself, and when",
	  { "encap schedule web", "encap schedule web --node vm1" },
	  1, 1, cmd_schedule, TOPIC_SEE,
	  "Its tasks and syncs as this node, or the one of --node, would run them while the "
	  "service is up there: when each last ran, wherever that was, and when it is run "
	  "next." },
	{ "why", "NAME [RID|NODE|CONTAINER]", O(OUTPUT), 0,
	  "why a service is here, not there, down, or not started",
	  { "encap why web", "encap why web hv2" },
	  1, 2, cmd_why, TOPIC_SEE,
	  "The chain from what is there to who asked for it: what the nodes have "
	  "found, the assignment and its reason, the rule that keeps it so, what is "
	  "about to be done, and the intent with its author and time. Of a node: why it "
	  "runs there, or does not; of a resource or container: why it is as it is." },
	{ "status", "[NAME]", O(FLAGS) | O(FROM) | O(OUTPUT) | O(WATCH), 0,
	  "what is up where: all services, or one as a tree",
	  { "encap status", "encap status web --flags wide" },
	  0, 1, cmd_status, TOPIC_SEE,
	  "Without a name one line per service, with a column per node: what is "
	  "available there, ! for a warning, * for frozen, ? and its age for what is "
	  "not fresh. With a name the tree of its instances, the one that is asked "
	  "open: each resource with its flags (M monitored, D disabled, O optional, E "
	  "encapsulated; wide: R running, P not provisioned, S standby, and the "
	  "restarts that are left), its state and what its driver says. With --watch "
	  "it is shown anew at each change; with -o as well, a document per change." },
	{ "ls", "", O(OUTPUT), 0,
	  "the names of all services, a line each",
	  { "encap ls", "for s in $(encap ls); do encap get $s DEFAULT.nodes; done" },
	  0, 0, cmd_ls, TOPIC_SEE,
	  "For scripts: nothing but the names, sorted." },
	{ "events", "[NAME]", O(FOLLOW) | O(LIMIT) | O(OUTPUT), 0,
	  "what happened in the cluster",
	  { "encap events -f", "encap events web -n 20 -o json" },
	  0, 1, cmd_events, TOPIC_SEE,
	  "Edits, intents, decisions, actions and changes of state, oldest first. With "
	  "-f it goes on with what happens from then on, until it is ended." },
	{ "log", "NAME", O(FOLLOW) | O(LIMIT), 0,
	  "what was done for a service: edits, intents, actions",
	  { "encap log web", "encap log web -f" },
	  1, 1, cmd_log, TOPIC_SEE,
	  "The events of one service: who edited it, who asked for what, what was done "
	  "to which resource on which node, and how that ended." },
	{ "audit", "[NAME]", O(LIMIT) | O(OUTPUT) | O(VERIFY), 0,
	  "who changed what: edits, intents, decisions, members",
	  { "encap audit web -n 20", "encap audit --verify" },
	  0, 1, cmd_audit, TOPIC_SEE,
	  "Every change that was agreed on, with its author, where it was made and "
	  "why. Each record holds the hash of the one before it: --verify follows the "
	  "chain and fails at a record that was changed or is missing. The last 50 are "
	  "shown; with -o json all that are kept. A service with containers has a "
	  "chain of its own; without a NAME they are shown together, and NAME shows "
	  "the chain that the service is in." },
	{ "node ls", "", O(OUTPUT), 0,
	  "the machines of the cluster",
	  { "encap node ls", "encap node ls -o json" },
	  0, 0, cmd_node_ls, TOPIC_NODE,
	  "One line per machine: whether it can be reached, its role in the cluster's "
	  "group, the epoch of its lease, and who leads." },
	{ "node freeze", "NODE", O(DRY_RUN), 0,
	  "start nothing on a node",
	  { "encap node freeze hv2", "encap node freeze hv2 && encap move web hv1" },
	  1, 1, cmd_node_freeze, TOPIC_NODE,
	  "Nothing is started on it by the cluster until it is thawed. What runs there "
	  "goes on." },
	{ "node thaw", "NODE", O(DRY_RUN), 0,
	  "use a frozen node again",
	  { "encap node thaw hv2", "encap node thaw hv2 && encap node ls" },
	  1, 1, cmd_node_thaw, TOPIC_NODE,
	  "The opposite of node freeze: services may be placed there again." },
	{ "node drain", "NODE", WAITS | O(DEADLINE) | O(DRY_RUN), 0,
	  "move away all that runs on a node, for work on it",
	  { "encap node drain hv2", "encap node drain hv2 --deadline 10m --timeout 15m" },
	  1, 1, cmd_node_drain, TOPIC_NODE,
	  "Every service on it goes to the best other node, whatever its orchestrate "
	  "says, and none is placed there until undrain. A frozen service stays, and so "
	  "does one that no other node can run: waiting ends with 7 then and says which "
	  "and why. With --deadline the latter is stopped after that time, also if the "
	  "command was ended, and started again once a node can run it. Standby "
	  "resources stay up." },
	{ "node undrain", "NODE", O(DRY_RUN), 0,
	  "place services on a drained node again",
	  { "encap node undrain hv2", "encap node undrain hv2 && encap move web hv2" },
	  1, 1, cmd_node_undrain, TOPIC_NODE,
	  "Services are not moved back by themselves." },
	{ "node label", "NODE LABEL=VALUE...", 0, 0,
	  "say what a node is, and what it fails with",
	  { "encap node label hv1 rack=a", "encap node label hv1 site=paris rack=a ssd=" },
	  2, CLI_ANY, cmd_node_label, TOPIC_NODE,
	  "A value of nothing takes the label away. The labels region, zone, site, room "
	  "and rack say what fails together: who votes is chosen so that none of them "
	  "holds a majority, where that can be avoided." },
	{ "node rm", "NODE", 0, 0,
	  "remove a machine that is lost from the cluster",
	  { "encap node rm hv3", "encap node ls && encap node rm hv3" },
	  1, 1, cmd_cluster_remove, TOPIC_NODE,
	  "The same as cluster remove." },
	{ "node fence", "NODE", O(NO_WAIT) | O(OFF) | O(ON) | O(REBOOT) | O(TIMEOUT) | O(YES), 0,
	  "end a machine by its fence devices",
	  { "encap node fence hv2", "encap node fence hv2 --off --yes" },
	  1, 1, cmd_node_fence, TOPIC_NODE,
	  "A surviving machine asks the devices that the cluster's configuration has for "
	  "NODE (fence#NODE), one level after the other, and waits until one has "
	  "confirmed. Then what ran there is over for certain, and what may be elsewhere "
	  "is started without waiting for its lease. Without --off, --on or --reboot it "
	  "is done what the device says (reboot). What was done is in encap events." },
	{ "node confirm-down", "NODE", O(YES), 0,
	  "vouch that a machine is down",
	  { "encap node confirm-down hv2", "encap node confirm-down hv2 --yes" },
	  1, 1, cmd_node_confirm_down, TOPIC_NODE,
	  "For a machine that is lost and that no device can end: services that wait for "
	  "a fence of it go on, and it no longer counts among those that look dead. Only "
	  "say it when you have seen that it is off. Refused while its lease may last." },
	{ "fence ls", "", O(OUTPUT), 0,
	  "the fence devices of each machine, and the last fence",
	  { "encap fence ls", "encap fence ls -o json" },
	  0, 0, cmd_fence_ls, TOPIC_NODE,
	  "Secrets are named, and not shown." },
	{ "fence test", "NODE", O(OUTPUT), 0,
	  "ask the fence devices of a machine whether they answer",
	  { "encap fence test hv2", "encap fence test hv2 -o json" },
	  1, 1, cmd_fence_test, TOPIC_NODE,
	  "The agent that is asked runs each device with action=status: nothing is "
	  "ended. 1 if one of them does not answer. Run it on each machine that may have "
	  "to fence NODE." },
	{ "cluster config", "", O(CONFIG) | O(OUTPUT), 0,
	  "print the cluster's configuration, or replace it",
	  { "encap cluster config", "encap cluster config --config cluster.conf" },
	  0, 0, cmd_cluster_config, TOPIC_CLUSTER,
	  "In the language of env files, without scopes: a section fence#NODE for each "
	  "device that can end a machine (encap help node fence)." },
	{ "cluster unset", "KEY...", 0, 0,
	  "remove keys or sections of the cluster's configuration",
	  { "encap cluster unset fence#hv2.options", "encap cluster unset fence#hv2:pdu" },
	  1, CLI_ANY, cmd_cluster_unset, TOPIC_CLUSTER,
	  "The secrets of a section go with it." },
	{ "cluster init", "[CLUSTER]", O(ADDRESS) | O(LEASE), 0,
	  "found a cluster on this machine",
	  { "encap cluster init", "encap cluster init lab --address 10.0.0.1,fd00::1 --lease 5s" },
	  0, 1, cmd_cluster_init, TOPIC_CLUSTER,
	  "This machine becomes the first member. --address says under which addresses "
	  "the others will reach it; without it they are found out. --lease says for how "
	  "long a node may run its services without hearing from the others: 3s if not "
	  "given, 1s to 10m, and for good. Services of a node that died are up elsewhere "
	  "a little after it; a shorter one takes a network and machines that never "
	  "pause for a quarter of it." },
	{ "cluster token", "", O(OUTPUT), 0,
	  "print a token with which one machine may join",
	  { "encap cluster token", "ssh hv2 encap cluster join $(encap cluster token) hv1" },
	  0, 0, cmd_cluster_token, TOPIC_CLUSTER,
	  "It is good for one machine, for an hour. Whoever has it can join: hand it on "
	  "like a password." },
	{ "cluster join", "TOKEN ADDRESS...", O(ADDRESS) | O(REPLACE) | O(WITNESS), 0,
	  "join this machine to the cluster at these addresses",
	  { "encap cluster join $TOKEN 10.0.0.1", "encap cluster join $TOKEN hv1 hv2 --address 10.0.0.3" },
	  2, CLI_ANY, cmd_cluster_join, TOPIC_CLUSTER,
	  "TOKEN is from encap cluster token on a member. One of the addresses has to "
	  "answer; the others of the cluster are learned from it. --replace: a machine "
	  "that is lost, or has left, gives up its place to this one, which may have the "
	  "same name; with another name see cluster replace. --witness: this machine is "
	  "only to vote, so that two others can go on when one of them dies; it needs next "
	  "to nothing, runs no services, and cannot read what it keeps." },
	{ "cluster disarm", "", WAITS | O(FOR), 0,
	  "for work on the network: nobody stops, nobody is taken over",
	  { "encap cluster disarm --for 30m", "encap cluster disarm --for 2h && encap cluster status" },
	  0, 0, cmd_cluster_disarm, TOPIC_CLUSTER,
	  "For that time a node that is cut off goes on with what it runs, and no node "
	  "that cannot be reached is taken over, whether it is cut off or dead. Waits "
	  "until each node that is up has what it takes, and names those that have not. "
	  "Start, stop and move go on to work where they can. It ends by itself. A node "
	  "that is still cut off then stops what it runs, and is taken over." },
	{ "cluster arm", "", WAITS, 0,
	  "end cluster disarm before its time",
	  { "encap cluster arm", "encap cluster arm && encap cluster status" },
	  0, 0, cmd_cluster_arm, TOPIC_CLUSTER,
	  "Waits until each node that is up knows. One that cannot be reached at this "
	  "moment keeps what it runs up to the end of the time that was given to disarm, "
	  "and is taken over only then." },
	{ "cluster backup", "FILE", O(OUTPUT) | O(STALE), 0,
	  "write the whole state to a file, while everything runs",
	  { "encap cluster backup /root/lab.backup", "encap cluster backup --stale /root/what-is-left.backup" },
	  1, 1, cmd_cluster_backup, TOPIC_CLUSTER,
	  "Env files with their history, drafts, secrets, intents, events: what was "
	  "committed when it was asked, as of one moment. The file is written on the "
	  "agent's machine, for root alone, and holds the key of the secrets: keep it "
	  "like one. Without a majority it is refused, unless --stale." },
	{ "cluster restore", "FILE", O(OUTPUT), 0,
	  "bring a backup's services into this cluster",
	  { "encap cluster init lab && encap cluster restore /root/lab.backup", "encap cluster restore lab.backup -o json" },
	  1, 1, cmd_cluster_restore, TOPIC_CLUSTER,
	  "Services with all kept revisions and their authors, and their secrets. The "
	  "file is checked whole first. A service that is in this cluster already is "
	  "not touched, and nothing is started. Cut short, it can be run again." },
	{ "cluster recover", "", O(YES), 0,
	  "found the cluster anew after a majority of its machines is lost for good",
	  { "encap cluster recover", "encap cluster recover --yes" },
	  0, 0, cmd_cluster_recover, TOPIC_CLUSTER,
	  "Shows what each survivor holds, and goes on only on the one that holds most. "
	  "Says what is at risk, and asks. Then what it holds is saved as a backup, the "
	  "agent starts anew as a member of nothing, a cluster of the same name is "
	  "founded, and the services are restored into it, with their history. Nothing "
	  "is started, and nothing is deleted: what made this machine a member of the "
	  "old cluster is kept below /var/lib/encap/before-..." },
	{ "cluster forget", "", O(YES), 0,
	  "have this machine leave a cluster that lost its majority",
	  { "encap cluster forget", "encap cluster forget --yes && encap cluster join $TOKEN hv1" },
	  0, 0, cmd_cluster_forget, TOPIC_CLUSTER,
	  "For the other survivors, once encap cluster recover has founded a new "
	  "cluster on one. Refused while the cluster has a leader. Nothing is deleted: "
	  "see encap cluster recover." },
	{ "cluster leave", "", O(CANCEL) | O(NO_WAIT) | O(TIMEOUT), 0,
	  "empty this machine and take it out of the cluster",
	  { "encap cluster leave", "encap cluster leave --timeout 1h" },
	  0, 0, cmd_cluster_leave, TOPIC_CLUSTER,
	  "What runs here moves to other machines; where something has nowhere to go "
	  "the command is refused and says what. Then this machine hands on its vote, "
	  "leaves, and its agent starts anew as a member of nothing. What it had is "
	  "kept below /var/lib/encap/before-... Nothing new is started here meanwhile; "
	  "--cancel has it stay." },
	{ "cluster remove", "NODE", 0, 0,
	  "remove a machine that is lost from the cluster",
	  { "encap cluster remove hv3", "encap node ls && encap cluster remove hv3" },
	  1, 1, cmd_cluster_remove, TOPIC_CLUSTER,
	  "For one that will not come back. Refused while it is up, or can still hold "
	  "a lease. It is not let in again with its old certificate: should it come "
	  "back, encap cluster forget on it and join it anew. Its name stays in the "
	  "env files: see cluster replace." },
	{ "cluster replace", "OLD NEW", 0, 0,
	  "have a machine take the place of one that is lost",
	  { "encap cluster replace hv3 hv4", "encap cluster join --replace hv3 $TOKEN hv1 && encap cluster replace hv3 hv4" },
	  2, 2, cmd_cluster_replace, TOPIC_CLUSTER,
	  "NEW is a member, OLD is lost or has left. In every env file NEW stands where "
	  "OLD stood, in the lists of nodes and as a scope, and OLD is removed. A new "
	  "machine of the same name needs none of this: it joins with --replace." },
	{ "cluster set", "KEY=VALUE...", 0, 0,
	  "set an option of the cluster, or keys of its configuration",
	  { "encap cluster set voter_grace=10m",
	    "encap cluster set fence#hv2.agent=fence_ipmilan 'fence#hv2.options=ip=10.0.9.2 username=encap'" },
	  1, CLI_ANY, cmd_cluster_set, TOPIC_CLUSTER,
	  "voter_grace: for how long a machine that votes may be gone before another "
	  "one votes in its place; 10m at first. Any other key is section.keyword of the "
	  "configuration (encap cluster config): all of a line, or none of it. Passwords "
	  "of devices do not belong there: encap secret set fence#hv2 password." },
	{ "cluster status", "", O(OUTPUT), 0,
	  "the cluster: leader, machines, services",
	  { "encap cluster status", "encap cluster status -o json" },
	  0, 0, cmd_cluster_status, TOPIC_CLUSTER,
	  "The cluster's group and its leader, the machines, and how many services "
	  "there are." },
	{ "version", "", O(OUTPUT), 0,
	  "versions of this program and of the agent",
	  { "encap version", "encap version -o json" },
	  0, 0, cmd_version, TOPIC_HELP,
	  "Says its own version even where no agent answers." },
	{ "help", "[COMMAND]", 0, 0,
	  "this list, or one command in detail",
	  { "encap help", "encap help start" },
	  0, 2, cmd_help, TOPIC_HELP,
	  "The same text as COMMAND --help." },
	{ 0 },
};
// clang-format on

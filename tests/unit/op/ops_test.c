/*
 * Each kind of command in rows: a state, the command, its answer, and what is
 * there then. Of each row it is also held that the same command twice is
 * applied once and answered alike, and that one that is refused changes
 * nothing.
 */
#include "tests/unit/op/op_fixture.h"

struct row {
	const char *name;
	const char *before;
	const char *command;
	int code;
	const char *err; /* is in it; or "" */
	const char *then;
};

static struct op_fixture fixture;

#define INIT                                                                   \
	"cluster_init name=c1 id=abc lease_ms=2000 state_version=2 "           \
	"node={name=hv1 addresses=[10.0.0.1]}; "
#define OLD                                                                    \
	"cluster_init name=c1 id=abc node={name=hv1}; token_add " HASH         \
	" expires=5000; node_join " HASH " name=hv2; node_up id=2 epoch=1; "
#define HASH  "hash=@64"
#define TOKEN INIT "token_add " HASH " expires=5000; "
#define JOIN2(name, more)                                                      \
	"node_join hash='11111111111111111111111111111111111111111111111111"   \
	"11111111111111' speaks=2 name=" name more
#define TOKEN2                                                                 \
	"token_add hash='11111111111111111111111111111111111111111111111111"   \
	"11111111111111' expires=9999"
#define TWO  TOKEN JOIN "; node_up id=2 epoch=1"
#define JOIN "node_join " HASH " speaks=2 name=hv2 addresses=[10.0.0.2]"
#define CONF                                                                   \
	"'[DEFAULT]|nodes = hv1 hv2|drpnodes = hv9|encapnodes = vm1 vm2|"      \
	"[container#0]|type = sim|name = vm1|[container#1]|type = sim|"        \
	"name = vm2|[fs#1]|type = flag|tags = encap|'"
#define CONF2 "'[DEFAULT]|nodes = hv2 hv3|[fs#1]|type = flag|'"
#define WEB   "svc_create name=web config=" CONF "; "
#define VM1    WEB "member_join name=vm1 incarnation=0; "
#define LEASED "member_up name=vm1 id=4294967297 epoch=0 host=hv1 grantor=a; "
#define UP                                                                     \
	WEB "assign name=web version=1 changes=[{kind=assign node=hv1 "        \
	    "level=hypervisor want=up epoch=1 token=1 seq=1 why=x}]; "
#define DOWN                                                                   \
	UP "assign name=web version=2 changes=[{kind=assign node=hv1 "         \
	   "level=hypervisor want=down epoch=1 token=2 seq=2 why=x}]; "
/* As a group in which all members know it. */
#define V2 "version_set version=2; "
#define LONG "@600"

// clang-format off
static const struct row cluster[] = {
	{ "cluster_init", "", INIT, OP_OK, "",
	  "cluster c name=c1; cluster c lease_ms=2000; node hv1 id=1; node hv1 state=up; node hv1 epoch=1; node hv1 addresses=[\"10.0.0.1\"]" },
	{ "cluster_init: again", INIT, "cluster_init name=c2 id=x node={name=hv2}", OP_CONFLICT, "exists", "cluster c name=c1; no node hv2" },
	{ "cluster_init: a bad name", "", "cluster_init name=c node={name='a b'}", OP_USAGE, "node name", "no cluster c" },
	{ "cluster_init: no node", "", "cluster_init name=c", OP_USAGE, "node name", "no cluster c" },

	{ "token_add", INIT, "token_add " HASH " expires=77", OP_OK, "", "token 0000000000000000000000000000000000000000000000000000000000000000 expires=77" },
	{ "token_add: no hash", INIT, "token_add hash=abc expires=77", OP_USAGE, "64 digits", "" },
	{ "token_add: a used one does not become good again", TOKEN JOIN, "token_add " HASH " expires=9000", OP_CONFLICT, "exists",
	  "token 0000000000000000000000000000000000000000000000000000000000000000 used=2" },
	{ "token_add: beside one that never ends", INIT "token_add " HASH " expires=9223372036854775807", "token_add hash='1111111111111111111111111111111111111111111111111111111111111111' expires=77", OP_OK, "", "token 1111111111111111111111111111111111111111111111111111111111111111 expires=77" },
	{ "token_add: forgets what ran out a day ago", INIT "token_add " HASH " expires=-90000000", "token_add hash='1111111111111111111111111111111111111111111111111111111111111111' expires=1", OP_OK, "",
	  "no token 0000000000000000000000000000000000000000000000000000000000000000; token 1111111111111111111111111111111111111111111111111111111111111111 expires=1" },

	{ "node_join", TOKEN, JOIN, OP_OK, "", "node hv2 state=joining; node hv2 id=2; node hv2 epoch=1" },
	{ "node_join: token used", TOKEN JOIN "; node_up id=2 epoch=1", "node_join " HASH " speaks=2 name=hv3", OP_FAILED, "used before", "no node hv3" },
	{ "node_join: token too old", INIT "token_add " HASH " expires=999", JOIN, OP_FAILED, "older than an hour", "no node hv2" },
	{ "node_join: token of its last moment", INIT "token_add " HASH " expires=1000", JOIN, OP_OK, "", "node hv2 state=joining" },
	{ "node_join: token unknown", INIT, JOIN, OP_FAILED, "not known", "no node hv2" },
	{ "node_join: no token", INIT, "node_join name=hv2", OP_USAGE, "64 digits", "no node hv2" },
	{ "node_join: name taken", TOKEN, "node_join " HASH " speaks=2 name=hv1", OP_CONFLICT, "is a member", "node hv1 id=1" },
	{ "node_join: name taken leaves the token good", TOKEN, "node_join " HASH " speaks=2 name=hv1", OP_CONFLICT, "",
	  "token 0000000000000000000000000000000000000000000000000000000000000000 used=(none)" },
	{ "node_join: bad name", TOKEN, "node_join " HASH " speaks=2 name=" LONG, OP_USAGE, "node name", "" },
	{ "node_join: again by who never got the answer",
	  TOKEN JOIN "; token_add hash='1111111111111111111111111111111111111111111111111111111111111111' expires=5000",
	  "node_join hash='1111111111111111111111111111111111111111111111111111111111111111' speaks=2 name=hv2", OP_OK, "", "node hv2 id=3" },

	{ "node_up", TOKEN JOIN, "node_up id=2 epoch=1", OP_OK, "", "node hv2 state=up; node hv2 epoch=1; events e text=is up, epoch 1" },
	{ "node_up: is up already", INIT, "node_up id=1 epoch=1", OP_OK, "", "node hv1 state=up; events e text=the cluster is made" },
	{ "node_up: of another epoch", INIT, "node_up id=1 epoch=2", OP_CONFLICT, "moved on", "" },
	{ "node_up: after it was lost, the old epoch", INIT "node_lost id=1 epoch=1", "node_up id=1 epoch=1", OP_CONFLICT, "moved on", "node hv1 state=lost" },
	{ "node_up: after it was lost", INIT "node_lost id=1 epoch=1", "node_up id=1 epoch=2", OP_OK, "", "node hv1 state=up; node hv1 epoch=2" },
	{ "node_up: unknown", INIT, "node_up id=7 epoch=1", OP_CONFLICT, "moved on", "" },
	{ "node_lost", INIT, "node_lost id=1 epoch=1", OP_OK, "", "node hv1 state=lost; node hv1 epoch=2; events e text=is lost: its lease of epoch 1 has run out" },
	{ "node_lost: of another epoch", INIT "node_lost id=1 epoch=1; node_up id=1 epoch=2", "node_lost id=1 epoch=1", OP_CONFLICT, "moved on", "node hv1 state=up; node hv1 epoch=2" },
	{ "node_lost: is lost already", INIT "node_lost id=1 epoch=1", "node_lost id=1 epoch=2", OP_CONFLICT, "", "node hv1 epoch=2" },
	{ "node_lost: never was up", TOKEN JOIN, "node_lost id=2 epoch=1", OP_CONFLICT, "", "node hv2 state=joining" },
	{ "version_speaks", OLD, "version_speaks node=hv1 speaks=2", OP_OK, "", "node hv1 speaks=2" },
	{ "version_speaks: nobody", OLD, "version_speaks node=hv9 speaks=2", OP_NOT_FOUND, "no member hv9", "" },
	{ "version_speaks: less than is active", TWO, "version_speaks node=hv2 speaks=1", OP_CONFLICT, "upgrade it", "node hv2 speaks=2" },
	{ "version_set: all know it", OLD "version_speaks node=hv1 speaks=2; version_speaks node=hv2 speaks=3", "version_set version=2", OP_OK, "", "events e kind=cluster" },
	{ "version_set: one does not", OLD "version_speaks node=hv1 speaks=2", "version_set version=2", OP_CONFLICT, "hv2 does not know version 2", "" },
	{ "version_set: who has left does not count", OLD "version_speaks node=hv1 speaks=2; node_lost id=2 epoch=1; version_speaks node=hv2 speaks=3; version_set version=2; node_left node=hv2; version_speaks node=hv1 speaks=3", "version_set version=3", OP_OK, "", "node hv2 state=left" },
	{ "version_set: nor a witness", TWO "; " TOKEN2 "; " JOIN2("w1", " witness=true") "; version_speaks node=hv1 speaks=3; version_speaks node=hv2 speaks=3", "version_set version=3", OP_OK, "", "node w1 speaks=2" },
	{ "version_set: it is active", TWO, "version_set version=2", OP_CONFLICT, "not later", "" },
	{ "a command of a later version than all know", OLD, "node_label node=hv1 labels={rack=a}", OP_FAILED, "not known to all", "" },
	{ "the same once all know it", OLD "version_speaks node=hv1 speaks=2; version_speaks node=hv2 speaks=2; version_set version=2", "node_label node=hv1 labels={rack=a}", OP_OK, "", "node hv1 labels.rack=a" },
	{ "a command that nobody knows says the same", INIT, "node_dance node=hv1", OP_FAILED, "not known to all", "" },
	{ "node_join: too old", INIT "token_add " HASH " expires=5000", "node_join " HASH " name=hv2", OP_CONFLICT, "version 2 is active here: upgrade it", "no node hv2" },
	{ "node_leaving", TWO, "node_leaving node=hv2", OP_OK, "", "node hv2 leaving=true; node hv2 state=up; events e kind=node" },
	{ "node_leaving: it stays", TWO "; node_leaving node=hv2", "node_leaving node=hv2 leaving=false", OP_OK, "", "node hv2 leaving=false" },
	{ "node_leaving: the last one", INIT, "node_leaving node=hv1", OP_CONFLICT, "no other machine", "" },
	{ "node_leaving: two cannot both", TWO "; node_leaving node=hv2", "node_leaving node=hv1", OP_CONFLICT, "no other machine", "" },
	{ "node_leaving: unknown", INIT, "node_leaving node=hv7", OP_NOT_FOUND, "no node hv7", "" },
	{ "node_left: it said so", TWO "; node_leaving node=hv2", "node_left node=hv2 epoch=1 said=true", OP_OK, "", "node hv2 state=left; node hv2 epoch=2" },
	{ "node_left: it said so of an epoch before", TWO "; node_leaving node=hv2", "node_left node=hv2 epoch=0 said=true", OP_CONFLICT, "moved on", "node hv2 state=up" },
	{ "node_left: it is to stay meanwhile", TWO, "node_left node=hv2 epoch=1 said=true", OP_CONFLICT, "not to leave", "node hv2 state=up" },
	{ "node_left: removed while it is up", TWO, "node_left node=hv2", OP_CONFLICT, "is up", "node hv2 state=up" },
	{ "node_left: removed when it is lost", TWO "; node_lost id=2 epoch=1", "node_left node=hv2", OP_OK, "", "node hv2 state=left; node hv2 epoch=3" },
	{ "node_left: removed before it was ever up", TOKEN JOIN, "node_left node=hv2", OP_OK, "", "node hv2 state=left" },
	{ "node_left: twice", TWO "; node_lost id=2 epoch=1; node_left node=hv2", "node_left node=hv2", OP_NOT_FOUND, "no node hv2", "" },
	{ "node_left: it does not come up again", TWO "; node_lost id=2 epoch=1; node_left node=hv2", "node_up id=2 epoch=3", OP_CONFLICT, "", "node hv2 state=left" },
	{ "node_left: and is not frozen", TWO "; node_lost id=2 epoch=1; node_left node=hv2", "node_freeze node=hv2 frozen=true", OP_NOT_FOUND, "no node hv2", "" },
	{ "node_gone", TWO "; node_lost id=2 epoch=1; node_left node=hv2", "node_gone id=2", OP_OK, "", "node hv2 gone=true; node hv2 epoch=3" },
	{ "node_gone: it has not left", TWO, "node_gone id=2", OP_CONFLICT, "not left", "node hv2 state=up" },
	{ "node_join: under a name that has left, above its epochs", TWO "; node_lost id=2 epoch=1; node_left node=hv2; " TOKEN2, JOIN2("hv2", ""), OP_OK, "", "node hv2 id=3; node hv2 state=joining; node hv2 epoch=4" },
	{ "node_join: a name that is lost is taken", TWO "; node_lost id=2 epoch=1; " TOKEN2, JOIN2("hv2", ""), OP_CONFLICT, "--replace hv2", "node hv2 id=2" },
	{ "node_join: in its own place", TWO "; node_lost id=2 epoch=1; node_label node=hv2 labels={rack=a}; " TOKEN2, JOIN2("hv2", " replace=hv2"), OP_OK, "", "node hv2 id=3; node hv2 epoch=3; node hv2 labels.rack=a" },
	{ "node_join: in the place of another", TWO "; node_lost id=2 epoch=1; node_label node=hv2 labels={rack=a}; " TOKEN2, JOIN2("hv3", " replace=hv2"), OP_OK, "", "node hv3 id=3; node hv3 epoch=1; node hv3 labels.rack=a; node hv2 state=left" },
	{ "node_join: in the place of one that is up", TWO "; " TOKEN2, JOIN2("hv3", " replace=hv2"), OP_CONFLICT, "hv2 is up", "no node hv3" },
	{ "node_join: in the place of nobody", TWO "; " TOKEN2, JOIN2("hv3", " replace=hv9"), OP_CONFLICT, "no node hv9", "no node hv3" },
	{ "node_join: its certificate is kept", TWO "; " TOKEN2, JOIN2("hv3", " cert=abc"), OP_OK, "", "node hv3 cert=abc" },
	{ "node_join: a witness", TWO "; " TOKEN2, JOIN2("w1", " witness=true"), OP_OK, "", "node w1 witness=true" },
	{ "node_left: a witness runs nothing", TWO "; " TOKEN2 "; " JOIN2("w1", " witness=true") "; node_up id=3 epoch=1", "node_left node=w1", OP_OK, "", "node w1 state=left" },
	{ "node_leaving: a witness is no other machine", TWO "; node_lost id=2 epoch=1; " TOKEN2 "; " JOIN2("w1", " witness=true") "; node_up id=3 epoch=1", "node_leaving node=hv1", OP_CONFLICT, "no other machine", "" },
	{ "node_label", INIT, "node_label node=hv1 labels={rack=a site=x}", OP_OK, "", "node hv1 labels.rack=a; node hv1 labels.site=x" },
	{ "node_label: another, and one away", INIT "node_label node=hv1 labels={rack=a site=x}", "node_label node=hv1 labels={rack='' room=r}", OP_OK, "", "node hv1 labels.room=r; node hv1 labels.site=x" },
	{ "node_label: none", INIT, "node_label node=hv1 labels={}", OP_USAGE, "no label", "" },
	{ "node_label: bad", INIT, "node_label node=hv1 labels={rack='a b'}", OP_USAGE, "KEY=VALUE", "" },
	{ "node_label: unknown", INIT, "node_label node=hv7 labels={rack=a}", OP_NOT_FOUND, "no node hv7", "" },
	{ "cluster_set", INIT, "cluster_set voter_grace_ms=60000", OP_OK, "", "cluster c voter_grace_ms=60000" },
	{ "cluster_set: too short", INIT, "cluster_set voter_grace_ms=10", OP_USAGE, "1s to 7d", "" },
	{ "node_freeze", INIT, "node_freeze node=hv1 frozen=true", OP_OK, "", "node hv1 frozen=true; node hv1 state=up; events e kind=freeze" },
	{ "node_freeze: thaw", INIT "node_freeze node=hv1 frozen=true", "node_freeze node=hv1 frozen=false", OP_OK, "", "node hv1 frozen=false" },
	{ "node_freeze: unknown", INIT, "node_freeze node=hv7 frozen=true", OP_NOT_FOUND, "no node hv7", "" },

	{ "cluster_disarm", INIT, "cluster_disarm ms=60000", OP_OK, "", "cluster c disarm.n=1; cluster c disarm.on=true; cluster c disarm.ms=60000; cluster c disarm.bound=60000; cluster c disarm.carry=(none); cluster c disarm.at=1000; cluster c name=c1; events e kind=disarm" },
	{ "cluster_disarm: anew, while nodes may still have leases of the last", INIT "cluster_disarm ms=60000; ", "cluster_disarm ms=2000", OP_OK, "", "cluster c disarm.n=2; cluster c disarm.ms=2000; cluster c disarm.bound=60000; cluster c disarm.carry=true" },
	{ "cluster_disarm: anew, after all have said that it is over", INIT "cluster_disarm ms=60000; cluster_arm; node_disarm id=1 n=1 over=true; ", "cluster_disarm ms=2000", OP_OK, "", "cluster c disarm.n=2; cluster c disarm.bound=2000; cluster c disarm.carry=(none)" },
	{ "cluster_disarm: for too long", INIT, "cluster_disarm ms=14400001", OP_USAGE, "1s to 4h", "cluster c disarm=(none)" },
	{ "cluster_disarm: for no time", INIT, "cluster_disarm", OP_USAGE, "1s to 4h", "" },
	{ "cluster_disarm: no cluster", V2, "cluster_disarm ms=60000", OP_NOT_FOUND, "no cluster", "" },
	{ "cluster_arm", INIT "cluster_disarm ms=60000; ", "cluster_arm", OP_OK, "", "cluster c disarm.on=false; cluster c disarm.n=1; events e text=armed again" },
	{ "cluster_arm: its time is over", INIT "cluster_disarm ms=60000; ", "cluster_arm n=1", OP_OK, "", "cluster c disarm.on=false; events e text=armed again: the time is over" },
	{ "cluster_arm: the time of another", INIT "cluster_disarm ms=60000; cluster_disarm ms=60000; ", "cluster_arm n=1", OP_CONFLICT, "anew since", "cluster c disarm.on=true" },
	{ "cluster_arm: by time, and it is armed", INIT, "cluster_arm n=1", OP_CONFLICT, "is armed", "" },
	{ "cluster_arm: it is armed", INIT, "cluster_arm", OP_OK, "", "cluster c disarm=(none)" },
	{ "node_disarm: it goes on when cut off", INIT "cluster_disarm ms=60000; ", "node_disarm id=1 n=1 over=false", OP_OK, "", "node hv1 disarm={\"n\": 1, \"over\": false}; node hv1 state=up" },
	{ "node_disarm: it has said that it is over", INIT "cluster_disarm ms=60000; cluster_arm; ", "node_disarm id=1 n=1 over=true", OP_OK, "", "node hv1 disarm={\"n\": 1, \"over\": true}" },
	{ "node_disarm: not over while it lasts", INIT "cluster_disarm ms=60000; ", "node_disarm id=1 n=1 over=true", OP_CONFLICT, "moved on", "node hv1 disarm=(none)" },
	{ "node_disarm: of another", INIT "cluster_disarm ms=60000; ", "node_disarm id=1 n=2 over=false", OP_CONFLICT, "moved on", "" },
	{ "node_disarm: unknown", INIT "cluster_disarm ms=60000; ", "node_disarm id=7 n=1 over=false", OP_CONFLICT, "moved on", "" },
	{ "maintenance: of a node", INIT, "maintenance node=hv1 on=true", OP_OK, "", "node hv1 maintenance=true; node hv1 state=up; cluster c maintenance=(none); events e kind=maintenance" },
	{ "maintenance: of all", INIT, "maintenance on=true", OP_OK, "", "cluster c maintenance=true; cluster c name=c1; node hv1 maintenance=(none)" },
	{ "maintenance: of all, off", INIT "maintenance on=true", "maintenance on=false", OP_OK, "", "cluster c maintenance=false" },
	{ "maintenance: unknown", INIT, "maintenance node=hv7 on=true", OP_NOT_FOUND, "no node hv7", "" },
	{ "node_drain", INIT, "node_drain node=hv1 on=true until=9000", OP_OK, "", "node hv1 drain.at=1000; node hv1 drain.until=9000; node hv1 drain.by.user=ann; events e kind=drain" },
	{ "node_drain: taken back", INIT "node_drain node=hv1 on=true", "node_drain node=hv1 on=false", OP_OK, "", "node hv1 drain={}; events e text=services may be placed there again" },
	{ "node_drain: taken back, though there is none", INIT, "node_drain node=hv1 on=false", OP_OK, "", "node hv1 drain=(none); events e text=the cluster is made" },
	{ "node_drain: again, without a deadline", INIT "node_drain node=hv1 on=true until=9000", "node_drain node=hv1 on=true", OP_OK, "", "node hv1 drain.until=(none)" },
	{ "node_drain: unknown", INIT, "node_drain node=hv7 on=true", OP_NOT_FOUND, "no node hv7", "" },
	{ "node_drain_over", INIT "node_drain node=hv1 on=true until=9000", "node_drain_over id=1 drained_at=1000", OP_OK, "", "node hv1 drain.over=true; events e kind=drain" },
	{ "node_drain_over: of another drain", INIT "node_drain node=hv1 on=true until=9000", "node_drain_over id=1 drained_at=999", OP_CONFLICT, "was taken back", "node hv1 drain.over=(none)" },
	{ "node_drain_over: taken back", INIT "node_drain node=hv1 on=true; node_drain node=hv1 on=false", "node_drain_over id=1 drained_at=0", OP_CONFLICT, "was taken back", "node hv1 drain={}" },

	{ "index_add", INIT, "index_add name=web config='x' voters=[{id=1 name=hv1}]", OP_OK, "", "service web group=101; service web config=x; service web voters.0.name=hv1; service web by.user=ann" },
	{ "index_add: the next has another group", INIT "index_add name=web config='x' voters=[{id=1 name=hv1}]", "index_add name=db config='x' voters=[{id=1 name=hv1}]", OP_OK, "", "service db group=102" },
	{ "index_add: exists", INIT "index_add name=web config='x' voters=[{id=1 name=hv1}]", "index_add name=web config='y' voters=[{id=1 name=hv1}]", OP_CONFLICT, "exists", "service web config=x" },
	{ "index_add: exists in the cluster's own group", INIT WEB, "index_add name=web config='y' voters=[{id=1 name=hv1}]", OP_CONFLICT, "exists", "service web group=(none)" },
	{ "index_add: no voters", INIT, "index_add name=web config='x'", OP_USAGE, "voters", "no service web" },
	{ "index_add: bad name", INIT, "index_add name='a/b' config='x' voters=[{id=1}]", OP_USAGE, "service name", "" },
	{ "index_add: long name", INIT, "index_add name=" LONG " config='x' voters=[{id=1}]", OP_USAGE, "service name", "" },
	{ "index_del", INIT "index_add name=web config='x' voters=[{id=1 name=hv1}]", "index_del name=web", OP_OK, "", "no service web" },
	{ "index_del: then the name is free, with a new group", INIT "index_add name=web config='x' voters=[{id=1 name=hv1}]; index_del name=web", "index_add name=web config='x' voters=[{id=1 name=hv1}]", OP_OK, "", "service web group=102" },
	{ "index_del: unknown", INIT, "index_del name=web", OP_NOT_FOUND, "no service", "" },
	{ "index_del: not one of the cluster's own group", INIT WEB, "index_del name=web", OP_NOT_FOUND, "", "service web version=1" },
	{ "index_del: long name", INIT, "index_del name=" LONG, OP_NOT_FOUND, "", "" },
};

#define PAIR  TOKEN JOIN "; node_up id=2 epoch=1; "
#define ASK   PAIR "fence_ask node=hv2 action=reboot why=test; "
#define RUN   ASK "fence_run id=2 n=1 tries=1 runner=hv1; "
#define DEVICE INIT "cluster_conf set=['fence#hv1.agent=fence_x']; "
static const struct row fences[] = {
	{ "fence_ask", PAIR, "fence_ask node=hv2 action=reboot why=test", OP_OK, "",
	  "node hv2 fence.n=1; node hv2 fence.state=asked; node hv2 fence.action=reboot; node hv2 fence.epoch=1; node hv2 fence.why=test; node hv2 fence.by.user=ann; node hv2 state=up; node hv2 epoch=1; events e kind=fence; events e text=reboot is asked for: test" },
	{ "fence_ask: of a node that joins", TOKEN JOIN, "fence_ask node=hv2 action=off", OP_NOT_FOUND, "no node hv2", "" },
	{ "fence_ask: unknown", INIT, "fence_ask node=hv7 action=off", OP_NOT_FOUND, "no node hv7", "" },
	{ "fence_ask: no action that is known", PAIR, "fence_ask node=hv2 action=explode", OP_USAGE, "not 'explode'", "" },
	{ "fence_ask: under way", ASK, "fence_ask node=hv2 action=off", OP_CONFLICT, "under way", "node hv2 fence.action=reboot" },
	{ "fence_ask: by the cluster, of this epoch", PAIR, "fence_ask node=hv2 action=off auto=true self=true epoch=1", OP_OK, "", "node hv2 fence.auto=true; node hv2 fence.self=true" },
	{ "fence_ask: by the cluster, of an epoch that is over", PAIR "node_lost id=2 epoch=1", "fence_ask node=hv2 action=off auto=true epoch=1", OP_CONFLICT, "moved on", "" },
	{ "fence_ask: by the cluster, once it has failed in this epoch", ASK "fence_fail id=2 n=1 tries=0 text=no", "fence_ask node=hv2 action=off auto=true epoch=1", OP_CONFLICT, "has failed", "" },
	{ "fence_ask: by the cluster, in the next epoch", ASK "fence_fail id=2 n=1 tries=0 text=no; node_lost id=2 epoch=1", "fence_ask node=hv2 action=off auto=true epoch=2", OP_OK, "", "node hv2 fence.n=2" },
	{ "fence_ask: by a person, after it has failed", ASK "fence_fail id=2 n=1 tries=0 text=no", "fence_ask node=hv2 action=off", OP_OK, "", "node hv2 fence.n=2; node hv2 fence.state=asked" },
	{ "fence_ask: by the cluster, of one that is known to be down", PAIR "node_lost id=2 epoch=1; node_vouch node=hv2", "fence_ask node=hv2 action=off auto=true epoch=2", OP_CONFLICT, "known to be down", "" },

	{ "fence_run", ASK, "fence_run id=2 n=1 tries=1 runner=hv1", OP_OK, "", "node hv2 fence.state=running; node hv2 fence.runner=hv1; node hv2 fence.tries=1" },
	{ "fence_run: twice the same try", RUN, "fence_run id=2 n=1 tries=1 runner=hv1", OP_CONFLICT, "moved on", "" },
	{ "fence_run: the next try", RUN, "fence_run id=2 n=1 tries=2 runner=hv3", OP_OK, "", "node hv2 fence.runner=hv3; node hv2 fence.tries=2" },
	{ "fence_run: of another fence", ASK, "fence_run id=2 n=7 tries=1 runner=hv1", OP_CONFLICT, "moved on", "" },
	{ "fence_run: nothing was asked", PAIR, "fence_run id=2 n=0 tries=1 runner=hv1", OP_CONFLICT, "moved on", "" },

	{ "fence_done: its epoch is over", RUN, "fence_done id=2 n=1 tries=1 ok=true device='fence#hv2'", OP_OK, "",
	  "node hv2 state=lost; node hv2 epoch=2; node hv2 fenced=1; node hv2 sure=fenced; node hv2 fence.state=done; node hv2 fence.device=fence#hv2; node hv2 fence.ended=1000; events e text=reboot: done by hv1 with fence#hv2" },
	{ "fence_done: it was lost meanwhile: no further epoch", RUN "node_lost id=2 epoch=1", "fence_done id=2 n=1 tries=1 ok=true", OP_OK, "", "node hv2 state=lost; node hv2 epoch=2; node hv2 fenced=1; node hv2 sure=fenced" },
	{ "fence_done: it failed: asked again", RUN, "fence_done id=2 n=1 tries=1 ok=false text='no answer'", OP_OK, "", "node hv2 fence.state=asked; node hv2 fence.tries=1; node hv2 fence.text=no answer; node hv2 state=up; node hv2 epoch=1; node hv2 fenced=(none); events e text=reboot by hv1 failed: no answer" },
	{ "fence_done: what says nothing was not done", RUN, "fence_done id=2 n=1 tries=1", OP_OK, "", "node hv2 fence.state=asked; node hv2 epoch=1" },
	{ "fence_done: of an earlier try", RUN "fence_run id=2 n=1 tries=2 runner=hv3", "fence_done id=2 n=1 tries=1 ok=true", OP_CONFLICT, "moved on", "node hv2 state=up" },
	{ "fence_done: not run", ASK, "fence_done id=2 n=1 tries=0 ok=true", OP_CONFLICT, "moved on", "node hv2 state=up" },
	{ "fence_done: switched on: nothing is over", PAIR "fence_ask node=hv2 action=on; fence_run id=2 n=1 tries=1 runner=hv1", "fence_done id=2 n=1 tries=1 ok=true", OP_OK, "", "node hv2 state=up; node hv2 epoch=1; node hv2 sure=; node hv2 fence.state=done" },

	{ "fence_fail", RUN "fence_done id=2 n=1 tries=1 ok=false text=no", "fence_fail id=2 n=1 tries=1 text='nobody is left'", OP_OK, "", "node hv2 fence.state=failed; node hv2 fence.text=nobody is left; node hv2 state=up; node hv2 epoch=1; events e text=reboot has failed: nobody is left" },
	{ "fence_fail: of an earlier try", RUN, "fence_fail id=2 n=1 tries=0 text=no", OP_CONFLICT, "moved on", "node hv2 fence.state=running" },

	{ "node_up: not while it is being fenced", PAIR "node_lost id=2 epoch=1; fence_ask node=hv2 action=off; fence_run id=2 n=1 tries=1 runner=hv1", "node_up id=2 epoch=2", OP_CONFLICT, "being fenced", "node hv2 state=lost" },
	{ "node_up: while it is being switched on", PAIR "node_lost id=2 epoch=1; fence_ask node=hv2 action=on; fence_run id=2 n=1 tries=1 runner=hv1", "node_up id=2 epoch=2", OP_OK, "", "node hv2 state=up" },
	{ "node_up: after a fence: it is as any other", RUN "fence_done id=2 n=1 tries=1 ok=true", "node_up id=2 epoch=2", OP_OK, "", "node hv2 state=up; node hv2 epoch=2; node hv2 sure=; node hv2 fenced=1" },

	{ "node_vouch", PAIR "node_lost id=2 epoch=1", "node_vouch node=hv2", OP_OK, "", "node hv2 sure=vouched; node hv2 fenced=1; node hv2 epoch=2; node hv2 state=lost; events e text=ann vouches that it is down: nothing waits for a fence of it" },
	{ "node_vouch: ends a fence that is under way", PAIR "node_lost id=2 epoch=1; fence_ask node=hv2 action=off", "node_vouch node=hv2", OP_OK, "", "node hv2 fence.state=vouched" },
	{ "node_vouch: of what is up", PAIR, "node_vouch node=hv2", OP_CONFLICT, "is not down", "node hv2 state=up; node hv2 epoch=1" },
	{ "node_vouch: of one that joins", TOKEN JOIN, "node_vouch node=hv2", OP_NOT_FOUND, "no node hv2", "" },

	{ "node_says", INIT, "node_says id=1 protection='its agent, the guard'", OP_OK, "", "node hv1 protection=its agent, the guard; events e text=the cluster is made" },
	{ "node_says: unknown", INIT, "node_says id=7 protection=x", OP_NOT_FOUND, "no such node", "" },
	{ "node_says: a novel", INIT, "node_says id=1 protection=" LONG, OP_NOT_FOUND, "", "node hv1 protection=(none)" },

	{ "cluster_conf", INIT, "cluster_conf set=['fence#hv1.agent=fence_x' 'fence#hv1.options=ip=10.0.0.9 plug=1']", OP_OK, "",
	  "cluster c config_n=1; events e text=configuration: set fence#hv1.agent, set fence#hv1.options; events e kind=cluster" },
	{ "cluster_conf: whole", INIT, "cluster_conf config='[fence#hv1]|command = /bin/off|' base=0", OP_OK, "", "cluster c config=[fence#hv1]\ncommand = /bin/off\n; events e text=configuration: configured anew" },
	{ "cluster_conf: removed", DEVICE, "cluster_conf unset=['fence#hv1']", OP_OK, "", "cluster c config=; cluster c config_n=2" },
	{ "cluster_conf: removed, what is not there", DEVICE, "cluster_conf unset=['fence#hv1.delay']", OP_NOT_FOUND, "has no fence#hv1.delay", "cluster c config_n=1" },
	{ "cluster_conf: another was faster", DEVICE, "cluster_conf config='' base=0", OP_CONFLICT, "changed meanwhile", "cluster c config_n=1" },
	{ "cluster_conf: not valid", INIT, "cluster_conf set=['fence#hv1.timeout=5s']", OP_FAILED, "either an agent or a command", "cluster c config_n=(none)" },
	{ "cluster_conf: no such section", INIT, "cluster_conf set=['app#1.start=x']", OP_FAILED, "is no section of a cluster's configuration", "" },
	{ "cluster_conf: no cluster", "", "cluster_conf config=''", OP_NOT_FOUND, "no cluster", "" },
	{ "cluster_conf: its secrets go with a device", DEVICE "secret_set name='fence#hv1' key=password sealed=!abc", "cluster_conf unset=['fence#hv1']", OP_OK, "", "no secret fence#hv1 password" },
	{ "secret_set: of a fence device", DEVICE, "secret_set name='fence#hv1' key=password sealed=!abc", OP_OK, "", "secret fence#hv1 password at=1000" },
	{ "secret_set: of a device that is not there", DEVICE, "secret_set name='fence#hv2' key=password sealed=!abc", OP_NOT_FOUND, "no device [fence#hv2]", "" },
	{ "secret_unset: of a fence device", DEVICE "secret_set name='fence#hv1' key=password sealed=!abc", "secret_unset name='fence#hv1' key=password", OP_OK, "", "no secret fence#hv1 password" },
};

static const struct row services[] = {
	{ "svc_create", "", "svc_create name=web config='x' comment=c1", OP_OK, "",
	  "service web intent={\"want\": \"stopped\", \"encap\": \"stopped\", \"seq\": 0}; service web version=1; service web revisions=1; service web created=1000; head web config=x; head web parents=[]; head web author.user=ann; head web comment=c1; head web n=1" },
	{ "svc_create: exists", WEB, "svc_create name=web config='x'", OP_CONFLICT, "'encap edit web'", "service web version=1" },
	{ "svc_create: bad name", "", "svc_create name='../x' config='x'", OP_USAGE, "service name", "" },
	{ "svc_create: no name", "", "svc_create config='x'", OP_USAGE, "service name", "" },
	{ "svc_edit: unknown", "", "svc_edit name=web base=x config='x'", OP_NOT_FOUND, "no service web", "" },
	{ "svc_edit: long name", "", "svc_edit name=" LONG " base=x config='x'", OP_NOT_FOUND, "no service", "" },
	{ "svc_edit: of the index's row", INIT "index_add name=web config='x' voters=[{id=1}]", "svc_edit name=web base=x config='x'", OP_NOT_FOUND, "", "" },
	{ "svc_edit: another base", WEB, "svc_edit name=web base=abcd config='x' strict=true", OP_CONFLICT, "based on revision abcd", "service web revisions=1" },
	{ "svc_edit: no base", WEB, "svc_edit name=web config='x' strict=true", OP_CONFLICT, "", "service web revisions=1" },
	{ "svc_edit: as older agents make it", WEB, "svc_edit v=1 name=web base=abcd config='x'", OP_CONFLICT, "based on revision abcd", "service web revisions=1" },
	{ "svc_edit: of a version to come", WEB, "svc_edit v=3 name=web config='x'", OP_FAILED, "version 3 is not known", "service web revisions=1" },
	{ "svc_revert: unknown service", "", "svc_revert name=web rev=x", OP_NOT_FOUND, "no service web", "" },
	{ "svc_revert: unknown revision", WEB, "svc_revert name=web rev=abcd", OP_NOT_FOUND, "no revision abcd", "service web revisions=1" },
	{ "svc_revert: another head", WEB, "svc_revert name=web rev=abcd base=abcd", OP_CONFLICT, "based on revision abcd", "" },
	{ "draft_add", WEB, "draft_add name=web kind=invalid config='what?' base=abcd where='/etc/x' why='no section'", OP_OK, "",
	  "draft web draft-1 text=what?; draft web draft-1 base=abcd; draft web draft-1 by.user=ann; draft web draft-1 where=/etc/x; draft web draft-1 why=no section; draft web draft-1 at=1000; events e text=draft-1 is kept: no section; service web version=1" },
	{ "draft_add: an offer", INIT, "draft_add name=new kind=offer config='x'", OP_OK, "", "draft new draft-1 kind=offer" },
	{ "draft_add: an offer outside the cluster's group", WEB, "draft_add name=new kind=offer config='x'", OP_USAGE, "offered to the cluster", "no draft new draft-1" },
	{ "draft_add: an offer of what exists", INIT WEB, "draft_add name=web kind=offer config='x'", OP_CONFLICT, "exists", "no draft web draft-1" },
	{ "draft_add: an offer with a bad name", INIT, "draft_add name='../x' kind=offer config='x'", OP_USAGE, "service name", "" },
	{ "draft_add: an offer with a long name", INIT, "draft_add name=" LONG " kind=offer config='x'", OP_USAGE, "service name", "" },
	{ "draft_add: of a service that is not there", INIT, "draft_add name=web kind=invalid config='x'", OP_NOT_FOUND, "no service web", "" },
	{ "draft_add: of the index's row", INIT "index_add name=web config='x' voters=[{id=1}]", "draft_add name=web kind=invalid config='x'", OP_NOT_FOUND, "", "" },
	{ "draft_add: of a kind that is none", WEB, "draft_add name=web kind=wish config='x'", OP_USAGE, "a draft is", "" },
	{ "draft_add: without a text", WEB, "draft_add name=web kind=invalid", OP_USAGE, "has a text", "" },
	{ "draft_drop", WEB "draft_add name=web kind=invalid config='x'", "draft_drop name=web draft=draft-1", OP_OK, "", "no draft web draft-1; events e text=draft-1 is dropped" },
	{ "draft_drop: an offer", INIT "draft_add name=new kind=offer config='x'", "draft_drop name=new draft=draft-1", OP_OK, "", "no draft new draft-1" },
	{ "draft_drop: unknown", WEB, "draft_drop name=web draft=draft-1", OP_NOT_FOUND, "no draft draft-1", "" },
	{ "draft_drop: long", WEB, "draft_drop name=web draft=" LONG, OP_NOT_FOUND, "no draft", "" },
	{ "svc_resolve: ours", WEB "draft_add name=web kind=invalid config='x'", "svc_resolve name=web draft=draft-1 take=ours", OP_OK, "", "no draft web draft-1; service web revisions=1" },
	{ "svc_resolve: theirs, which is not valid", WEB "draft_add name=web kind=invalid config='x'", "svc_resolve name=web draft=draft-1 take=theirs", OP_FAILED, "would not be valid: web:1:", "draft web draft-1 text=x" },
	{ "svc_resolve: neither", WEB "draft_add name=web kind=invalid config='x'", "svc_resolve name=web draft=draft-1 take=both", OP_USAGE, "ours, theirs or a text", "draft web draft-1 text=x" },
	{ "svc_resolve: unknown draft", WEB, "svc_resolve name=web draft=draft-1 take=ours", OP_NOT_FOUND, "no draft draft-1", "" },
	{ "svc_resolve: unknown service", "", "svc_resolve name=web draft=draft-1 take=ours", OP_NOT_FOUND, "no service web", "" },
	{ "svc_delete: drafts go with it", WEB "draft_add name=web kind=invalid config='x'", "svc_delete name=web", OP_OK, "", "no draft web draft-1" },
	{ "svc_delete", WEB, "svc_delete name=web", OP_OK, "", "no service web; events e text=deleted" },
	{ "svc_delete: unknown", "", "svc_delete name=web", OP_NOT_FOUND, "no service web", "" },
	{ "svc_delete: assigned up", UP, "svc_delete name=web", OP_CONFLICT, "'encap stop web' first", "assign web hv1 want=up" },
	{ "svc_delete: down, not confirmed", DOWN, "svc_delete name=web", OP_CONFLICT, "up on hv1", "" },
	{ "svc_delete: down, confirmed", DOWN "observe name=web node=hv1 doc={token=2 avail=down state=idle}", "svc_delete name=web", OP_OK, "", "no service web; no assign web hv1; no instance web hv1" },
	{ "svc_delete: down, something left", DOWN "observe name=web node=hv1 doc={token=2 avail=warn state=stopping}", "svc_delete name=web", OP_CONFLICT, "hv1", "" },
	{ "svc_delete: its node was lost", UP "assign name=web version=2 changes=[{kind=assign node=hv1 want=down epoch=2 token=2 seq=2 lost=true}]; observe name=web node=hv1 doc={token=1 avail=up}", "svc_delete name=web", OP_OK, "", "no service web" },
	{ "svc_delete: up unasked", WEB "observe name=web node=hv2 doc={token=0 avail=up}", "svc_delete name=web", OP_CONFLICT, "hv2", "" },
	{ "svc_delete: a container's assignment does not count", WEB "assign name=web version=1 changes=[{kind=assign node=vm1 level=encap want=up token=1 seq=1}]; observe name=web node=vm1 doc={token=1 avail=up}", "svc_delete name=web", OP_OK, "", "no service web" },

	{ "svc_freeze", WEB, "svc_freeze name=web frozen=true", OP_OK, "", "service web frozen=true; service web version=2; events e text=frozen" },
	{ "svc_freeze: thaw", WEB "svc_freeze name=web frozen=true", "svc_freeze name=web frozen=false", OP_OK, "", "service web frozen=false" },
	{ "svc_freeze: unknown", "", "svc_freeze name=web frozen=true", OP_NOT_FOUND, "", "" },

	{ "assign", WEB, "assign name=web version=1 changes=[{kind=assign node=hv1 level=hypervisor want=up epoch=3 token=7 seq=1 why='by test'}]", OP_OK, "",
	  "assign web hv1 want=up; assign web hv1 epoch=3; assign web hv1 token=7; assign web hv1 at=1000; service web token=7; service web version=2; events e text=up: by test" },
	{ "assign: several at once", WEB, "assign name=web version=1 changes=[{kind=assign node=hv1 want=down token=7}{kind=assign node=hv2 want=up token=8}]", OP_OK, "", "assign web hv1 want=down; assign web hv2 want=up; service web token=8; service web version=2" },
	{ "assign: the token never shrinks", WEB "assign name=web version=1 changes=[{kind=assign node=hv1 want=up token=7}]", "assign name=web version=2 changes=[{kind=assign node=hv1 want=down token=3}]", OP_OK, "", "service web token=7" },
	{ "svc_clear: nothing has failed", V2 UP, "svc_clear name=web", OP_OK, "", "service web version=2; service web intent.seq=0" },
	{ "svc_clear: a failed start counts as asked anew", V2 WEB "svc_intent name=web want=started; assign name=web version=2 changes=[{kind=assign node=hv1 level=hypervisor want=up epoch=1 token=1 seq=1 why=x}]; observe name=web node=hv1 doc={avail=down state='start failed' token=1 n=1 session=s}; ", "svc_clear name=web", OP_OK, "",
	  "service web intent.want_seq=2; service web intent.seq=2; service web intent.encap_seq=1; service web intent.want=started; events e text=what failed is cleared: on hv1 it may be tried again" },
	{ "svc_clear: of an assignment that is no more: nothing", V2 UP "observe name=web node=hv1 doc={avail=down state='start failed' token=7 n=1 session=s}; ", "svc_clear name=web", OP_OK, "", "service web intent.seq=0" },
	{ "svc_clear: a node that was left out is a candidate again", V2 WEB "svc_intent name=web want=started; assign name=web version=2 changes=[{kind=assign node=hv1 level=hypervisor want=down epoch=1 token=1 seq=1 failed=true why=x}]; ", "svc_clear name=web", OP_OK, "",
	  "assign web hv1 failed=false; assign web hv1 token=1; service web intent.want_seq=1; service web intent.seq=2" },
	{ "svc_clear: in one container", V2 WEB "svc_intent name=web want=started; svc_intent name=web want=same encap=started slave=[vm2]; assign name=web version=3 changes=[{kind=assign node=vm2 level=encap want=up token=1 seq=2 why=x}]; observe name=web node=vm2 doc={avail=down level=encap state='start failed' token=1 n=1 session=s}; ", "svc_clear name=web", OP_OK, "",
	  "service web intent.slaves.vm2.seq=3; service web intent.want_seq=1; service web intent.encap_seq=1" },
	{ "svc_clear: unknown", V2, "svc_clear name=web", OP_NOT_FOUND, "no service web", "" },
	{ "svc_local: a stop that still fits", V2 UP, "svc_local name=web node=hv1 word=stop node_token=1 seq=0 since=500", OP_OK, "",
	  "service web intent.want=stopped; service web intent.want_seq=1; service web intent.encap_seq=1; service web intent.seq=1; service web intent.by.user=ann; service web version=3; events e text=was stopped on hv1 without a majority, 0 s before this could be told: it stays stopped" },
	{ "svc_local: a stop, and there is another assignment since", V2 DOWN, "svc_local name=web node=hv1 word=stop node_token=1 seq=0 since=500", OP_OK, "", "service web intent.seq=0; service web version=3; events e kind=intent" },
	{ "svc_local: a stop, and another intent since", V2 UP "svc_intent name=web want=started", "svc_local name=web node=hv1 word=stop node_token=1 seq=0 since=500", OP_OK, "", "service web intent.want=started; service web intent.seq=1" },
	{ "svc_local: a start that still fits", V2 DOWN, "svc_local name=web node=hv2 word=start node_token=0 svc_token=2 seq=0 since=-4000", OP_OK, "",
	  "service web intent.want=started; service web intent.node=hv2; service web intent.want_seq=1; service web intent.encap=started; events e text=was started in an emergency on hv2 without a majority, 5 s before this could be told: it stays there" },
	{ "svc_local: a start, and something was decided since", V2 DOWN, "svc_local name=web node=hv2 word=start node_token=0 svc_token=1 seq=0 since=0", OP_OK, "", "service web intent.seq=0; events e node=hv2" },
	{ "svc_local: a start, and something was asked since", V2 DOWN "svc_intent name=web want=stopped", "svc_local name=web node=hv2 word=start node_token=0 svc_token=2 seq=0 since=0", OP_OK, "", "service web intent.want=stopped; service web intent.seq=1" },
	{ "svc_local: what ended before", V2 DOWN, "svc_local name=web node=hv2 word=end svc_token=2 seq=0 since=0", OP_OK, "", "service web intent.seq=0; events e kind=intent" },
	{ "svc_local: a word that is none", V2 UP, "svc_local name=web node=hv1 word=dance", OP_USAGE, "nothing that a node does alone", "" },
	{ "svc_local: unknown", V2, "svc_local name=web node=hv1 word=stop", OP_NOT_FOUND, "no service web", "" },
	{ "svc_maintenance", V2 WEB, "svc_maintenance name=web on=true", OP_OK, "", "service web maintenance=true; service web version=2; events e kind=maintenance" },
	{ "svc_maintenance: off", V2 WEB "svc_maintenance name=web on=true", "svc_maintenance name=web on=false", OP_OK, "", "service web maintenance=false; events e text=maintenance off" },
	{ "svc_maintenance: unknown", V2, "svc_maintenance name=web on=true", OP_NOT_FOUND, "no service web", "" },
	{ "assign: on a state that has moved on", WEB "svc_freeze name=web frozen=true", "assign name=web version=1 changes=[{kind=assign node=hv1 want=up token=7}]", OP_CONFLICT, "moved on", "no assign web hv1" },
	{ "assign: no version", WEB, "assign name=web changes=[{kind=assign node=hv1 want=up token=7}]", OP_CONFLICT, "", "" },
	{ "assign: one of them is not known: none", WEB, "assign name=web version=1 changes=[{kind=assign node=hv1 want=up token=7}{kind=assign node=hv2 want=sideways token=8}]", OP_USAGE, "change 1", "no assign web hv1" },
	{ "assign: a bad node", WEB, "assign name=web version=1 changes=[{kind=assign node='../x' want=up token=7}]", OP_USAGE, "change 0", "" },
	{ "assign: a long node", WEB, "assign name=web version=1 changes=[{kind=assign node=" LONG " want=up token=7}]", OP_USAGE, "change 0", "" },
	{ "assign: no map", WEB, "assign name=web version=1 changes=[7]", OP_USAGE, "change 0", "" },
	{ "assign: unknown", "", "assign name=web version=1", OP_NOT_FOUND, "", "" },
	{ "assign: a restart goes on", WEB "svc_intent name=web want=restart", "assign name=web version=2 changes=[{kind=intent level=hypervisor want=started why=x}]", OP_OK, "",
	  "service web intent.want=started; service web intent.want_seq=1; service web intent.seq=1" },
	{ "assign: a container's restart goes on", WEB "svc_intent name=web want=same encap=restart slave=[vm1]", "assign name=web version=2 changes=[{kind=intent level=encap node=vm1 want=started why=x}]", OP_OK, "",
	  "service web intent.slaves.vm1.want=started; service web intent.slaves.vm1.seq=1; service web intent.want=stopped" },

	{ "observe", WEB, "observe name=web node=hv1 doc={token=1 avail=up state=idle session=s1 n=5}", OP_OK, "",
	  "instance web hv1 avail=up; instance web hv1 at=1000; service web version=2; events e text=up, idle; events e kind=state" },
	{ "observe: later", WEB "observe name=web node=hv1 doc={avail=up session=s1 n=5}", "observe name=web node=hv1 doc={avail=down session=s1 n=6}", OP_OK, "", "instance web hv1 avail=down" },
	{ "observe: one that was overtaken", WEB "observe name=web node=hv1 doc={avail=up session=s1 n=5}", "observe name=web node=hv1 doc={avail=down session=s1 n=4}", OP_CONFLICT, "later one", "instance web hv1 avail=up" },
	{ "observe: the same again", WEB "observe name=web node=hv1 doc={avail=up session=s1 n=5}", "observe name=web node=hv1 doc={avail=up session=s1 n=5}", OP_CONFLICT, "later one", "" },
	{ "observe: after a boot", WEB "observe name=web node=hv1 doc={avail=up session=s1 n=5}", "observe name=web node=hv1 doc={avail=down session=s2 n=1}", OP_OK, "", "instance web hv1 avail=down" },
	{ "observe: no event where state and avail are the same", WEB "observe name=web node=hv1 doc={avail=up state=idle session=s1 n=5}; svc_freeze name=web frozen=true", "observe name=web node=hv1 doc={avail=up state=idle session=s1 n=6}", OP_OK, "", "events e text=frozen" },
	{ "observe: no map", WEB, "observe name=web node=hv1 doc=7", OP_USAGE, "not built like", "no instance web hv1" },
	{ "observe: resources that are no map", WEB, "observe name=web node=hv1 doc={resources=7}", OP_USAGE, "not built like", "no instance web hv1" },
	{ "observe: no node", WEB, "observe name=web doc={avail=up}", OP_USAGE, "", "" },
	{ "observe: a long node", WEB, "observe name=web node=" LONG " doc={avail=up}", OP_USAGE, "", "" },
	{ "observe: unknown", "", "observe name=web node=hv1 doc={avail=up}", OP_NOT_FOUND, "", "" },

	{ "secret_set", WEB, "secret_set name=web key=pw sealed=!abc", OP_OK, "", "secret web pw at=1000; secret web pw by.user=ann; events e text=pw is set; events e kind=secret" },
	{ "secret_set: again", WEB "secret_set name=web key=pw sealed=!abc", "secret_set name=web key=pw sealed=!def", OP_OK, "", "secret web pw sealed=\"646566\"" },
	{ "secret_set: of a name that is none", WEB, "secret_set name=web key='a b' sealed=!abc", OP_USAGE, "letters, digits", "no secret web 'a b'" },
	{ "secret_set: without a name", WEB, "secret_set name=web sealed=!abc", OP_USAGE, "1 to 128", "" },
	{ "secret_set: a long name", WEB, "secret_set name=web key=" LONG " sealed=!abc", OP_USAGE, "1 to 128", "" },
	{ "secret_set: not sealed", WEB, "secret_set name=web key=pw sealed=abc", OP_USAGE, "at most 65536 bytes", "no secret web pw" },
	{ "secret_set: unknown", "", "secret_set name=web key=pw sealed=!abc", OP_NOT_FOUND, "no service web", "" },
	{ "secret_unset", WEB "secret_set name=web key=pw sealed=!abc", "secret_unset name=web key=pw", OP_OK, "", "no secret web pw; events e text=pw is removed" },
	{ "secret_unset: there is none", WEB, "secret_unset name=web key=pw", OP_NOT_FOUND, "no secret pw", "" },
	{ "secret_unset: unknown", "", "secret_unset name=web key=pw", OP_NOT_FOUND, "no service web", "" },
	{ "svc_delete: its secrets too", WEB "secret_set name=web key=pw sealed=!abc", "svc_delete name=web", OP_OK, "", "no secret web pw" },

	{ "svc_restore", WEB, "svc_restore name=web revs=[{rev=b7dd7ab3c0b33dc3c62b1cdc2a84c2bf68c9d8b1ce5b7b7f1f5fba4a3f1d9f11 parents=[] config=" CONF2 " at=77 comment=old author={user=eve}}]", OP_USAGE, "not what its id says", "service web revisions=1" },
	{ "svc_restore: no text", WEB, "svc_restore name=web revs=[{rev=abc parents=[]}]", OP_USAGE, "has no text or no parents", "" },
	{ "svc_restore: no map", WEB, "svc_restore name=web revs=[7]", OP_USAGE, "has no text or no parents", "" },
	{ "svc_restore: nothing", WEB, "svc_restore name=web", OP_OK, "", "service web revisions=1; service web version=1" },
	{ "svc_restore: into a service that is used", WEB "svc_intent name=web want=started", "svc_restore name=web revs=[]", OP_CONFLICT, "in use", "" },
	{ "svc_restore: unknown", "", "svc_restore name=web revs=[]", OP_NOT_FOUND, "no service web", "" },

	{ "member_join", "", "member_join name=vm1 incarnation=0", OP_OK, "", "member vm1 id=4294967297; member vm1 incarnation=1; events e kind=member" },
	{ "member_join: known: the same again", "member_join name=vm1 incarnation=0", "member_join name=vm1 incarnation=0", OP_OK, "", "member vm1 id=4294967297; member vm1 incarnation=1" },
	{ "member_join: rolled back: a new one", "member_join name=vm1 incarnation=0", "member_join name=vm1 incarnation=1", OP_OK, "", "member vm1 id=4294967298; member vm1 incarnation=2" },
	{ "member_join: another", "member_join name=vm1 incarnation=0", "member_join name=vm2", OP_OK, "", "member vm2 id=4294967298; member vm2 incarnation=1" },
	{ "member_up: a lease for the first time", VM1, "member_up name=vm1 id=4294967297 epoch=0 host=hv1 grantor=a", OP_OK, "", "member vm1 state=up; member vm1 epoch=1; member vm1 host=hv1; service web version=2; events e text=has a lease by hv1, epoch 1" },
	{ "member_up: of another epoch", VM1 LEASED, "member_up name=vm1 id=4294967297 epoch=2 host=hv1 grantor=a", OP_CONFLICT, "moved on", "member vm1 epoch=1" },
	{ "member_up: of another incarnation", VM1, "member_up name=vm1 id=4294967299 epoch=0 host=hv1 grantor=a", OP_CONFLICT, "moved on", "" },
	{ "member_up: the same host, another life", VM1 LEASED, "member_up name=vm1 id=4294967297 epoch=1 host=hv1 grantor=b", OP_OK, "", "member vm1 grantor=b; member vm1 epoch=1" },
	{ "member_lost", VM1 LEASED, "member_lost name=vm1 id=4294967297 epoch=1 grantor=a why=x", OP_OK, "", "member vm1 state=lost; member vm1 epoch=2; service web version=3; events e text=its lease of epoch 1 has ended: x" },
	{ "member_lost: another life has granted since", VM1 LEASED "member_up name=vm1 id=4294967297 epoch=1 host=hv1 grantor=b; ", "member_lost name=vm1 id=4294967297 epoch=1 grantor=a", OP_CONFLICT, "moved on", "member vm1 state=up; member vm1 epoch=1" },
	{ "member_lost: twice", VM1 LEASED "member_lost name=vm1 id=4294967297 epoch=1 grantor=a; ", "member_lost name=vm1 id=4294967297 epoch=1 grantor=a", OP_CONFLICT, "moved on", "member vm1 epoch=2" },
	{ "member_join: rolled back: it keeps its epoch, and has no lease", VM1 LEASED, "member_join name=vm1 incarnation=1", OP_OK, "", "member vm1 id=4294967298; member vm1 epoch=1" },
	{ "member_join: bad name", "", "member_join name='' incarnation=0", OP_USAGE, "member name", "" },

	{ "event", "", "event events=[{kind=action text=one}{kind=action text=two}]", OP_OK, "", "events e text=two; events e seq=2" },
	{ "event: not those that are none", "", "event events=[7 {text=two} x]", OP_OK, "", "events e text=two; events e seq=1" },
	{ "event: none", "", "event", OP_OK, "", "no events e" },
	{ "event: too many", "", "event events=[1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1]", OP_USAGE, "more than 64", "" },

	{ "not known", WEB, "svc_explode name=web", OP_FAILED, "whom to upgrade", "service web version=1" },
	{ "no op at all", WEB, "'' name=web", OP_FAILED, "whom to upgrade", "service web version=1" },
	{ "another version", WEB, "svc_freeze v=2 name=web frozen=true", OP_FAILED, "version 2 is not known", "service web frozen=(none)" },
};

static const struct row intents[] = {
	{ "svc_intent: started, both levels", WEB, "svc_intent name=web want=started", OP_OK, "",
	  "service web intent.want=started; service web intent.want_seq=1; service web intent.encap=started; service web intent.encap_seq=1; service web intent.seq=1; service web intent.by.user=ann; service web intent.at=1000; service web version=2; events e text=started, encap level started" },
	{ "svc_intent: seq grows", WEB "svc_intent name=web want=started", "svc_intent name=web want=stopped", OP_OK, "", "service web intent.seq=2; service web intent.want_seq=2; service web intent.encap=stopped; service web intent.encap_seq=2" },
	{ "svc_intent: on a node", WEB, "svc_intent name=web want=started node=hv2", OP_OK, "", "service web intent.node=hv2; events e text=started on hv2, encap level started" },
	{ "svc_intent: on a node for disaster recovery", WEB, "svc_intent name=web want=started node=hv9", OP_OK, "", "service web intent.node=hv9" },
	{ "svc_intent: the node is not kept", WEB "svc_intent name=web want=started node=hv2", "svc_intent name=web want=started", OP_OK, "", "service web intent.node=(none)" },
	{ "svc_intent: on a node of another service", WEB, "svc_intent name=web want=started node=hv7", OP_NOT_FOUND, "hv7 is not in the nodes of web", "service web intent.seq=0" },
	{ "svc_intent: stop on a node", WEB, "svc_intent name=web want=stopped node=hv1", OP_USAGE, "a node is named for", "" },
	{ "svc_intent: restart", WEB, "svc_intent name=web want=restart", OP_OK, "", "service web intent.want=restart; service web intent.encap=started" },
	{ "svc_intent: the hypervisor level alone", WEB "svc_intent name=web want=started", "svc_intent name=web want=stopped encap=same", OP_OK, "",
	  "service web intent.want=stopped; service web intent.want_seq=2; service web intent.encap=started; service web intent.encap_seq=1" },
	{ "svc_intent: the encap level alone", WEB "svc_intent name=web want=started node=hv2", "svc_intent name=web want=same encap=stopped", OP_OK, "",
	  "service web intent.want=started; service web intent.want_seq=1; service web intent.node=hv2; service web intent.encap=stopped; service web intent.encap_seq=2" },
	{ "svc_intent: restart of the encap level alone", WEB "svc_intent name=web want=started", "svc_intent name=web want=same encap=restart", OP_OK, "",
	  "service web intent.want=started; service web intent.encap=started; service web intent.slaves={\"vm1\": {\"want\": \"restart\", \"seq\": 2}, \"vm2\": {\"want\": \"restart\", \"seq\": 2}}" },
	{ "svc_intent: one container", WEB "svc_intent name=web want=started", "svc_intent name=web want=same encap=stopped slave=[vm2]", OP_OK, "",
	  "service web intent.encap=started; service web intent.encap_seq=1; service web intent.slaves={\"vm2\": {\"want\": \"stopped\", \"seq\": 2}}; events e text=started, encap level of vm2 stopped" },
	{ "svc_intent: one container by its rid", WEB, "svc_intent name=web want=same encap=stopped slave=['container#1']", OP_OK, "", "service web intent.slaves.vm2.want=stopped" },
	{ "svc_intent: the others are kept", WEB "svc_intent name=web want=same encap=stopped slave=[vm2]", "svc_intent name=web want=same encap=started slave=[vm1]", OP_OK, "",
	  "service web intent.slaves.vm2.want=stopped; service web intent.slaves.vm2.seq=1; service web intent.slaves.vm1.want=started; service web intent.slaves.vm1.seq=2" },
	{ "svc_intent: kept by one for the hypervisor level", WEB "svc_intent name=web want=same encap=stopped slave=[vm2]", "svc_intent name=web want=started encap=same", OP_OK, "", "service web intent.slaves.vm2.want=stopped" },
	{ "svc_intent: all containers again", WEB "svc_intent name=web want=same encap=stopped slave=[vm2]", "svc_intent name=web want=started", OP_OK, "", "service web intent.slaves=(none)" },
	{ "svc_intent: no such container", WEB, "svc_intent name=web want=same encap=stopped slave=[vm1 vm7]", OP_NOT_FOUND, "web has no container 'vm7'", "service web intent.seq=0" },
	{ "svc_intent: no such rid", WEB, "svc_intent name=web want=same encap=stopped slave=['fs#1']", OP_NOT_FOUND, "no container", "" },
	{ "svc_intent: a word that is none", WEB, "svc_intent name=web want=dancing", OP_USAGE, "not 'dancing'", "" },
	{ "svc_intent: a word that is none, inside", WEB, "svc_intent name=web want=started encap=dancing", OP_USAGE, "not 'dancing'", "" },
	{ "svc_intent: nothing", WEB, "svc_intent name=web want=same encap=same", OP_USAGE, "asks for nothing", "" },
	{ "svc_intent: no word", WEB, "svc_intent name=web", OP_USAGE, "not ''", "" },
	{ "svc_intent: unknown", "", "svc_intent name=web want=started", OP_NOT_FOUND, "no service web", "" },
};

#define TASKS "svc_create name=web config='[DEFAULT]|nodes = hv1 hv2|[fs#1]|type = flag|[task#1]|command = x|'; "
#define MINE "svc_create name=web config='[DEFAULT]|nodes = hv1 hv2|[disk#1]|type = loop|file = /a|[disk#2]|type = loop|file = /b|provision = false|unprovision = false|shared = false|[disk#3]|type = loop|file = /c|shared = false|'; "
#define ACTED "svc_act name=web action=stop node=hv1 rid=container#0; "
static const struct row acts[] = {
	{ "svc_act: stop some of what is up", UP, "svc_act name=web action=stop node=hv1 rid=container#0", OP_OK, "",
	  "order web hv1 holds.container#0.want=down; order web hv1 holds.container#0.act=1; order web hv1 act=1; order web hv1 token=1; order web hv1 seq=0; order web hv1 keep=(none); order web hv1 holds.container#1=(none); service web intent.seq=0; events e text=stop of hv1: container#0" },
	{ "svc_act: more of it", UP ACTED, "svc_act name=web action=start node=hv1 rid=container#1", OP_OK, "",
	  "order web hv1 act=2; order web hv1 holds.container#0.act=1; order web hv1 holds.container#1.want=up; order web hv1 holds.container#1.act=2; service web acts=2" },
	{ "svc_act: restart", UP, "svc_act name=web action=restart node=hv1 upto=container#0", OP_OK, "", "order web hv1 holds.container#0.want=restart; order web hv1 holds.container#1=(none)" },
	{ "svc_act: what was held under another intent is forgotten", UP ACTED "svc_intent name=web want=started; ", "svc_act name=web action=stop node=hv1 rid=container#1", OP_OK, "",
	  "order web hv1 holds.container#0=(none); order web hv1 holds.container#1.want=down; order web hv1 seq=1" },
	{ "svc_act: a start of some where nothing is up is a start for them", WEB, "svc_act name=web action=start node=hv2 rid=container#0", OP_OK, "",
	  "order web hv2 keep=true; order web hv2 holds.container#0.want=up; order web hv2 seq=1; order web hv2 token=(none); service web intent.want=started; service web intent.want_seq=1; service web intent.node=hv2; service web intent.part=hv2; service web intent.encap=stopped" },
	{ "svc_act: a restart of some where nothing is up, too", DOWN, "svc_act name=web action=restart node=hv1 rid=container#0", OP_OK, "", "order web hv1 keep=true; order web hv1 holds.container#0.want=up" },
	{ "svc_act: a start of the whole afterwards is one", WEB "svc_act name=web action=start node=hv2 rid=container#0; ", "svc_intent name=web want=started", OP_OK, "", "service web intent.part=(none); service web intent.node=(none)" },
	{ "svc_act: a stop where nothing is up", WEB, "svc_act name=web action=stop node=hv2 rid=container", OP_OK, "", "order web hv2 holds.container#0.want=down; order web hv2 token=0; service web intent.seq=0" },
	{ "svc_act: a start of some while it is up elsewhere", UP, "svc_act name=web action=start node=hv2 rid=container#0", OP_CONFLICT, "web is assigned to hv1", "" },
	{ "svc_act: in a container that is up", UP "assign name=web version=2 changes=[{kind=assign node=vm1 level=encap want=up token=2 seq=0 why=x}]; ", "svc_act name=web action=stop slave=[vm1] rid=fs", OP_OK, "",
	  "order web vm1 holds.fs#1.want=down; order web vm1 token=2; order web hv1 act=(none)" },
	{ "svc_act: in a container, by the rid of that", UP, "svc_act name=web action=stop slave=[container#1] rid=fs", OP_OK, "", "order web vm2 holds.fs#1.want=down" },
	{ "svc_act: in all containers", UP, "svc_act name=web action=stop slaves=true rid=fs#1", OP_OK, "", "order web vm1 act=1; order web vm2 act=1" },
	{ "svc_act: a start of some in a container that is not up", UP, "svc_act name=web action=start slave=[vm1] rid=fs", OP_OK, "",
	  "order web vm1 keep=true; order web vm1 seq=1; service web intent.slaves.vm1.want=started; service web intent.slaves.vm1.seq=1; service web intent.part=(none); service web intent.want_seq=(none)" },
	{ "svc_act: ... of which the container is not started", WEB, "svc_act name=web action=start slave=[vm1] rid=fs", OP_CONFLICT, "vm1 is not started", "" },
	{ "svc_act: at both levels, where only one has it", UP, "svc_act name=web action=stop node=hv1 slaves=true rid=fs", OP_OK, "", "order web vm1 act=1; order web hv1 act=(none)" },
	{ "svc_act: nothing is meant by it", UP, "svc_act name=web action=stop node=hv1 slaves=true rid=disk#4", OP_NOT_FOUND, "nothing of web", "" },
	{ "svc_act: an end that is none", UP, "svc_act name=web action=start node=hv1 upto=share", OP_NOT_FOUND, "no resource, group or subset 'share'", "" },
	{ "svc_act: nothing is said", UP, "svc_act name=web action=start node=hv1", OP_USAGE, "which resources", "" },
	{ "svc_act: no such action", UP, "svc_act name=web action=dance node=hv1 rid=fs", OP_USAGE, "start, stop, restart, run, provision, unprovision, sync_nodes", "" },
	{ "provision: nothing is up: a start of all, each made first", WEB, "svc_act name=web action=provision node=hv2 slaves=true", OP_OK, "",
	  "order web hv2 keep=true; order web hv2 seq=1; order web hv2 token=(none); order web hv2 whole=provision; order web hv2 holds.container#0.want=provision; order web vm1 keep=true; order web vm1 seq=1; order web vm1 holds.fs#1.want=provision; order web hv1 act=(none); service web intent.want=started; service web intent.want_seq=1; service web intent.encap=started; service web intent.encap_seq=1; service web intent.node=hv2; service web intent.part=(none)" },
	{ "provision: of what is up, where it is", UP, "svc_act name=web action=provision node=hv2", OP_OK, "",
	  "order web hv1 token=1; order web hv1 keep=(none); order web hv1 holds.container#0.want=provision; order web hv2 act=(none); service web intent.seq=0" },
	{ "provision: on another node that was named", UP, "svc_act name=web action=provision node=hv2 named=true", OP_CONFLICT, "web is assigned to hv1", "" },
	{ "provision: of some: a start of these alone", WEB, "svc_act name=web action=provision node=hv1 rid=container#0", OP_OK, "",
	  "order web hv1 keep=true; order web hv1 whole=(none); order web hv1 holds.container#0.want=provision; order web hv1 holds.container#1=(none); service web intent.part=hv1" },
	{ "provision: what says no is only started", MINE, "svc_act name=web action=provision node=hv1", OP_OK, "",
	  "order web hv1 holds.disk#1.want=provision; order web hv1 holds.disk#2.want=up; order web hv1 holds.disk#3.want=provision" },
	{ "provision: what is not shared on the others, too", MINE, "svc_act name=web action=provision node=hv1", OP_OK, "",
	  "order web hv2 holds.disk#3.want=make; order web hv2 holds.disk#1=(none); order web hv2 keep=(none); order web hv2 token=0; order web hv2 seq=1; order web hv2 whole=(none)" },
	{ "provision: asked at a node that is none of the service's", WEB, "svc_act name=web action=provision node=hv7", OP_OK, "", "order web hv1 whole=provision" },
	{ "provision: ... which was named", WEB, "svc_act name=web action=provision node=hv7 named=true", OP_NOT_FOUND, "hv7 is in none of", "" },
	{ "provision: another start ends it", WEB "svc_act name=web action=provision node=hv1; ", "svc_intent name=web want=stopped", OP_OK, "", "service web intent.want_seq=2; order web hv1 seq=1" },
	{ "provision: disabled", "svc_create name=web config='[DEFAULT]|nodes = hv1|disable = true|[fs#1]|type = flag|'; ", "svc_act name=web action=provision node=hv1", OP_CONFLICT, "is disabled", "" },
	{ "unprovision: is up", UP, "svc_act name=web action=unprovision node=hv1", OP_CONFLICT, "web is up on hv1", "" },
	{ "unprovision: is up, and to be stopped", UP, "svc_act name=web action=unprovision node=hv2 stop=true slaves=true", OP_OK, "",
	  "order web hv1 keep=true; order web hv1 seq=1; order web hv1 whole=unprovision; order web hv1 holds.container#0.want=unprovision; order web vm1 act=(none); service web intent.want=stopped; service web intent.encap=stopped; service web intent.node=(none)" },
	{ "unprovision: what is in a container that is up", UP "assign name=web version=2 changes=[{kind=assign node=vm1 level=encap want=up token=2 seq=0 why=x}]; ", "svc_act name=web action=unprovision node=hv1 stop=true slaves=true", OP_OK, "",
	  "order web vm1 keep=true; order web vm1 seq=1; order web vm1 holds.fs#1.want=unprovision; order web vm2 act=(none)" },
	{ "unprovision: another node was not seen down", DOWN, "svc_act name=web action=unprovision node=hv2 stop=true", OP_CONFLICT, "not yet seen down", "" },
	{ "unprovision: never started", WEB, "svc_act name=web action=unprovision node=hv1", OP_OK, "",
	  "order web hv1 keep=(none); order web hv1 token=0; order web hv1 seq=0; order web hv1 holds.container#0.want=unprovision; service web intent.seq=0" },
	{ "unprovision: what says no is only stopped", MINE, "svc_act name=web action=unprovision node=hv1", OP_OK, "",
	  "order web hv1 holds.disk#1.want=unprovision; order web hv1 holds.disk#2.want=down; order web hv2 holds.disk#3.want=unprovision; order web hv2 holds.disk#1=(none)" },
	{ "unprovision: of a container alone that is not up", WEB, "svc_act name=web action=unprovision slave=[vm1]", OP_CONFLICT, "vm1 is not started", "" },
	{ "svc_act: no node", UP, "svc_act name=web action=stop rid=fs", OP_USAGE, "no node is named", "" },
	{ "svc_act: a node of another service", UP, "svc_act name=web action=stop node=hv7 rid=fs", OP_NOT_FOUND, "hv7 is in none of", "" },
	{ "svc_act: no such container", UP, "svc_act name=web action=stop slave=[vm7] rid=fs", OP_NOT_FOUND, "no container 'vm7'", "" },
	{ "svc_act: disabled", "svc_create name=web config='[DEFAULT]|nodes = hv1|disable = true|[fs#1]|type = flag|'", "svc_act name=web action=start node=hv1 rid=fs", OP_CONFLICT, "disabled", "" },
	{ "svc_act: run a task", TASKS "assign name=web version=1 changes=[{kind=assign node=hv1 level=hypervisor want=up epoch=1 token=1 seq=0 why=x}]; ", "svc_act name=web action=run node=hv1 rid=task#1", OP_OK, "",
	  "order web hv1 holds.task#1.want=run; order web hv1 holds.task#1.act=1; order web hv1 keep=(none)" },
	{ "svc_act: run a task, asked on another node", TASKS "assign name=web version=1 changes=[{kind=assign node=hv1 level=hypervisor want=up epoch=1 token=1 seq=0 why=x}]; ", "svc_act name=web action=run node=hv2 rid=task#1", OP_OK, "",
	  "order web hv1 holds.task#1.want=run; order web hv2 act=(none)" },
	{ "svc_act: run a task where nothing is up", TASKS, "svc_act name=web action=run node=hv1 rid=task#1", OP_CONFLICT, "a task runs only where web is up", "" },
	{ "svc_act: run what is no task", TASKS, "svc_act name=web action=run node=hv1 rid=fs#1", OP_NOT_FOUND, "nothing of web", "" },
	{ "svc_act: start a task", TASKS, "svc_act name=web action=start node=hv1 rid=task#1", OP_NOT_FOUND, "nothing of web", "" },
	{ "svc_act: unknown", "", "svc_act name=web action=start node=hv1 rid=fs", OP_NOT_FOUND, "no service web", "" },
};
// clang-format on

static void check_refused_changes_nothing(const struct doc *cmd)
{
	uint64_t before = op_digest(&fixture);
	struct doc *r = op_do(&fixture, cmd);

	assert_int_not_equal(op_code_of(r), OP_OK);
	assert_int_equal(op_digest(&fixture), before);
}

static void check_once(const struct row *row, struct doc *cmd)
{
	struct doc *first, *second;
	uint64_t after;

	doc_put_str(fixture.a, cmd, "cl", "client1");
	doc_put_int(fixture.a, cmd, "sq", ++fixture.sq);
	first = op_do(&fixture, cmd);
	if (op_code_of(first) != row->code)
		fail_msg("code %d: %s", op_code_of(first),
			 doc_get_str(first, "err", ""));
	if (!strstr(doc_get_str(first, "err", ""), row->err))
		fail_msg("err: %s", doc_get_str(first, "err", ""));
	assert_int_equal(row->code == OP_OK, !doc_get(first, "err"));
	after = op_digest(&fixture);
	second = op_do(&fixture, cmd);
	assert_true(doc_equal(first, second));
	assert_int_equal(op_digest(&fixture), after);
}

static void applies(void **state)
{
	const struct row *row = *state;
	SCOPED(arena) struct arena *a = arena_new();
	struct op_text t = { a, row->command };
	struct doc *cmd = op_text_command(&t);

	fixture.a = a;
	fixture.group++;
	op_do_text(&fixture, row->before);
	if (row->code != OP_OK)
		check_refused_changes_nothing(cmd);
	check_once(row, cmd);
	op_expect(&fixture, row->then);
}

/* -- does every kind have rows? ----------------------------------------------
 */

struct tables {
	const struct row *at;
	size_t n;
};

static bool has_row(const struct tables *t, const char *op, bool ok)
{
	size_t n = strlen(op);

	for (; t->at; t++)
		for (size_t i = 0; i < t->n; i++)
			if (strncmp(t->at[i].command, op, n) == 0 &&
			    (t->at[i].command[n] == ' ' ||
			     t->at[i].command[n] == '\0') &&
			    (t->at[i].code == OP_OK) == ok)
				return true;
	return false;
}

static void every_kind_is_tested(void **state)
{
	/* Edits and reverts go well in revision_test.c: they must name a
	 * revision.
	 */
	static const struct tables all[] = {
		{ cluster, sizeof(cluster) / sizeof(cluster[0]) },
		{ fences, sizeof(fences) / sizeof(fences[0]) },
		{ services, sizeof(services) / sizeof(services[0]) },
		{ intents, sizeof(intents) / sizeof(intents[0]) },
		{ acts, sizeof(acts) / sizeof(acts[0]) },
		{ NULL, 0 },
	};

	(void)state;
	for (const struct op *o = op_table; o->name; o++) {
		if (!has_row(all, o->name, false))
			fail_msg("no row in which %s is refused", o->name);
		if (strcmp(o->name, "svc_edit") != 0 &&
		    strcmp(o->name, "svc_revert") != 0 &&
		    !has_row(all, o->name, true))
			fail_msg("no row in which %s goes well", o->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_tested),
	};
	int failed;

	op_fixture_init(&fixture);
	failed = TABLE_RUN(cluster, applies) + TABLE_RUN(fences, applies) + TABLE_RUN(services, applies) +
		 TABLE_RUN(intents, applies) + TABLE_RUN(acts, applies) +
		 cmocka_run_group_tests(tests, NULL, NULL);
	op_fixture_fini(&fixture);
	return failed;
}

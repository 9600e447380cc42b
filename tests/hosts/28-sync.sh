#!/bin/bash
# Copies of data: to the other node through the agents, by hand and by a
# schedule; killed half-way; what is late; who may write where.
# deadline: 150
. "$(dirname "$0")/lib.sh"

command -v rsync >/dev/null || skip "rsync is not installed"
try up

D=/var/lib/sync-test
status_of() { field "$1" data "instances/$1/resources/$2/status"; }
here() { on "$1" cat "$D/$2"; }
has() { on "$1" test -e "$D/$2"; }
lacks() { ! has "$1" "$2"; }
same_as() { [ "$(on "$1" sh -c "cat $D/$2 2>/dev/null | cksum")" = "$3" ]; }
no_rsync() { ! on "$1" pgrep -x rsync; }
a_rsync() { on "$1" pgrep -x rsync >/dev/null; }

step "by hand"
for h in hv1 hv2; do on $h mkdir -p $D; done
on hv1 sh -c "mkdir -p $D/src/sub; echo one >$D/src/a; echo two >$D/src/sub/b
	ln -s /etc/hostname $D/src/link; echo conf >$D/one.conf"
on hv2 sh -c "mkdir -p $D/dst; echo old >$D/dst/gone; echo no >$D/other"
on hv1 sh -c "cat >/var/lib/data.conf" <<CONF
[DEFAULT]
nodes = hv1 hv2

[fs#1]
type = flag

[sync#1]
src = $D/src/
dst = $D/dst
target = nodes
schedule = @0
sync_max_delay = 1h
pre_sync_nodes = touch $D/before

[sync#2]
src = $D/one.conf
dst = $D/one.conf
target = nodes
schedule = @0
CONF
on hv1 encap create data --config /var/lib/data.conf >/dev/null
must_fail 4 "nothing is copied from where it is not up" on hv1 encap sync data
on hv1 encap move data hv1
within 10000 "it was never copied, which shows" equal down status_of hv1 "sync#1"
within 10000 "on the other node, too" equal warn status_of hv2 "sync#1"
must "and counts for overall" equal warn field hv1 data instances/hv1/overall
must "not for avail" equal up field hv1 data instances/hv1/avail
must_fail 3 "there are no drpnodes" on hv1 encap sync data drp
must "it is copied, from wherever it is asked" on hv2 encap sync data nodes
must "a file" equal one here hv2 dst/a
must "one below" equal two here hv2 dst/sub/b
must "a link as it is" on hv2 test -L $D/dst/link
must "a file by its own name" equal conf here hv2 one.conf
must "what is gone is gone there" lacks hv2 dst/gone
must "what is beside it is left alone" equal no here hv2 other
must "its trigger ran" has hv1 before
within 10000 "the copy is new" equal up status_of hv1 "sync#1"
within 10000 "the other node knows" equal up status_of hv2 "sync#1"
within 10000 "all is well" equal up field hv1 data instances/hv1/overall

step "by the names of before"
on hv1 sh -c "echo three >$D/src/c"
must "svcmgr" on hv1 svcmgr -s data syncnodes
must "has copied" equal three here hv2 dst/c
must "svcmgr, one of them" on hv1 svcmgr -s data sync nodes --rid "sync#1"

step "killed half-way"
on hv1 sh -c "for i in 1 2 3; do head -c 6000000 /dev/urandom >$D/src/big\$i
	done; echo changed >$D/src/a; rm $D/src/c"
on hv1 encap set data "sync#1.bwlimit=2mb" >/dev/null
on hv1 encap sync data --rid "sync#1" --no-wait
within 10000 "it is under way" a_rsync hv2
within 10000 "some of it is there" on hv2 sh -c "ls -A $D/dst | grep -q '^[.]'"
# shellcheck disable=SC2016 # in the host
on hv1 sh -c 'kill -KILL $(pgrep -x rsync)'
within 10000 "the other end goes, too" no_rsync hv2
must "nothing was replaced" equal one here hv2 dst/a
must "nothing was deleted" equal three here hv2 dst/c
must "nothing is there in part" lacks hv2 dst/big1
within 10000 "and it is said" contains "sync_all sync#1 failed" \
	on hv1 encap log data
on hv1 encap sync data --rid "sync#1" --no-wait
within 10000 "again" a_rsync hv2
pid=$(agent_pid hv2)
on hv2 kill -KILL "$pid"
within 20000 "the agent there is back" agent_is_new hv2 "$pid"
within 10000 "nothing of it runs on" no_rsync hv2
must "nothing was replaced" equal one here hv2 dst/a
on hv1 encap unset data "sync#1.bwlimit" >/dev/null
copied() { on hv1 encap sync data --rid "sync#1"; }
within 20000 "run again" copied
for f in a big1 big2 big3; do
	sum=$(on hv1 sh -c "cksum <$D/src/$f")
	must "$f is whole" same_as hv2 dst/$f "$sum"
done
must "what is gone is gone" lacks hv2 dst/c
must "nothing is left behind" equal "" \
	on hv2 find $D/dst -name '.*' ! -name '.'

step "what is not allowed"
on hv1 encap set data "sync#2.dstfs=$D" >/dev/null
must_fail 1 "what has to be mounted there" \
	on hv1 encap sync data --rid "sync#2"
must "is named" grep -q "dstfs $D is not mounted" "$SCRATCH/said"
on hv1 encap unset data "sync#2.dstfs" >/dev/null

step "the one that is there by itself"
E=/etc/encap/services/data.d
for h in hv1 hv2; do on $h sh -c "mkdir -p /etc/other; echo $h >/etc/other/x"; done
on hv1 sh -c "mkdir -p $E; echo launcher >$E/go"
on hv1 sh -c "printf '[sync#i0]\nschedule = @2s\n' >>/etc/encap/services/data.conf"
launcher() { on hv2 cat $E/go; }
within 20000 "what the log does not carry" equal launcher launcher
must "and nothing else" equal hv2 on hv2 cat /etc/other/x
within 10000 "shows" equal up status_of hv1 "sync#i0"
must "by its name" contains "rsync svc config to nodes" on hv1 encap status data
on hv1 encap unset data "sync#i0" >/dev/null

step "by its schedule, and late"
must "when it runs next" contains "never" on hv1 encap schedule data
must "svcmgr" contains "sync_all" on hv1 svcmgr -s data print schedule
on hv1 encap set data "sync#1.schedule=@2s" >/dev/null
on hv1 sh -c "echo later >$D/src/later"
within 20000 "it is copied by itself" equal later here hv2 dst/later
on hv1 encap set data "sync#1.schedule=@0" "sync#1.sync_max_delay=1s" >/dev/null
within 15000 "a copy that is too old" equal down status_of hv1 "sync#1"
must "is named" contains "hv2 need update" on hv1 encap status data
within 15000 "warns on the other node" equal warn status_of hv2 "sync#1"

step "the other way"
on hv1 encap move data hv2
on hv2 sh -c "mkdir -p $D/src; echo back >$D/src/a"
on hv1 mkdir -p $D/dst
must "from where it is up now" on hv1 encap sync data --rid "sync#1"
must "to the other" equal back here hv1 dst/a
